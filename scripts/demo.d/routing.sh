# routing: a target that fails, the one that answers in its place, and what is
# told of both.

# explained MEMBER: the newest request of a node, as JSON.
explained() {
	node explain --last --json --state "$LAB/$1"
}

# told_no REASON BODY: by the reason, and nobody was called.
told_no() {
	local before

	before=$(calls_made)
	ask payments "$2"
	[[ $STATUS == 502 && $ANSWER == *"$1"* ]] || die "got $STATUS: $ANSWER"
	[[ $(calls_made) == "$before" ]] || die "a refused request reached the provider"
}

step_routing() {
	local before seen

	before=$(calls_made)
	curl -sf -d 'for_model=flaky status=529' "$SIM/sim/script" >/dev/null
	ask payments "$(body routed false "Say hello." tokens=3)"
	[[ $STATUS == 200 && $ANSWER == *'"t0 t1 t2 "'* ]] || refused payments
	seen=$(explained payments)
	[[ $(grep -o '"class":"overloaded","again"' <<<"$seen" | wc -l) -eq 2 &&
		$(grep -o '"receipt":"verified"' <<<"$seen" | wc -l) -eq 3 ]] ||
		die "not two attempts that were overloaded and one that answered: $seen"
	[[ $(calls_made) -eq $((before + 3)) ]] || die "not three provider calls"
	tell "gpu/flaky says 529: asked once more, then answers/sim; the caller sees 200"
	ask payments "$(body routed false "Say hello." tokens=3)"
	[[ $STATUS == 200 && $(calls_made) -eq $((before + 4)) ]] ||
		die "the target that failed was not left alone: $STATUS $ANSWER"
	[[ $(explained payments) == *'"excluded":"backing-off"'* ]] || die "the decision does not say why"
	tell "the next request leaves gpu/flaky alone: one call, and its decision says why"
	told_no 'capability (audio)' '{"model":"by-chat","messages":[{"role":"user","content":[
		{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]}]}'
	tell "audio, which no target of 'by-chat' hears: 502 no-eligible-target, and no call"
	CALLS=$((CALLS + 4))
	wait_for "payments' receipts" receipts gsr-node payments $((CALLS - 1))
}
