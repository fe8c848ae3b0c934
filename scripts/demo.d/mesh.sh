# mesh: the files and processes of the demo: one egress, two team nodes, and
# the scripted provider unless a real one is asked for. The scripted one also
# stands for three that speak one dialect each.

NODES=(payments search)
MODEL=gpt-5-nano
PRICE_IN=0.05 PRICE_OUT=0.40 # USD per million tokens
CAP=200                      # tokens; the egress lets no answer be longer
declare -A PID TOKEN

# spawn NAME COMMAND…: a child with its own log.
spawn() {
	local name=$1

	shift
	"$@" </dev/null >"$LAB/log/$name" 2>&1 &
	PID[$name]=$!
}

# wait_for WHAT COMMAND…: until it succeeds, at most ten seconds, and not when
# the member whose turn it is has died.
wait_for() {
	local what=$1 i

	shift
	for i in {1..200}; do
		"$@" >/dev/null 2>&1 && return
		[[ -z $MEMBER ]] || kill -0 "${PID[$MEMBER]}" 2>/dev/null || break
		sleep 0.05
	done
	die "$what does not come up"
}

port_of() { sed -n 's/.*"port":\([0-9]*\),.*/\1/p' "$LAB/$1/run.json"; }
url_of() { echo "http://127.0.0.1:$(port_of "$1")"; }
node() { "$BIN/gsr-node" "$@" 2>>"$LAB/said"; }
egress() { "$BIN/gsr-egress" "$@" 2>>"$LAB/said"; }
topology() { "$BIN/gsr-topology" "$@" 2>>"$LAB/said"; }

provider_start() {
	[[ -z $LIVE ]] || return 0
	MEMBER=sim
	spawn sim "$BIN/sim" --port-file "$LAB/sim.port"
	wait_for "the scripted provider" test -s "$LAB/sim.port"
	SIM=http://127.0.0.1:$(<"$LAB/sim.port")
}

# What the links carry passes the tap, so that it can be searched.
tap_start() {
	MEMBER=tap
	spawn tap "$here/demo.d/tap" "$LAB/tap.port" "$LAB/central/run.json" "$LAB/wire"
	wait_for "the tap" test -s "$LAB/tap.port"
}

mesh_files() {
	local base=${SIM:+$SIM/v1} account team operator more=()

	base=${base:-${BASE_URL-}}
	if [[ -z $LIVE ]]; then
		for account in gpu:vllm answers:openai claude:anthropic; do
			more+=(--provider "${account%:*}=${account#*:}:$base"
				--model "${account%:*}/sim=$PRICE_IN,$PRICE_OUT")
		done
		more+=(--model "gpu/flaky=$PRICE_IN,$PRICE_OUT" --group routed=gpu/flaky)
		more+=(--group by-chat=gpu/sim --group by-responses=answers/sim --group by-messages=claude/sim)
	fi
	topology init "$LAB/mesh" --mesh demo --operator-key "$LAB/keys/operator.key" \
		--team-keys "$LAB/keys" \
		--egress-address "127.0.0.1:$(<"$LAB/tap.port")" \
		--egress-listen 127.0.0.1:0 --node-listen 127.0.0.1:0 \
		--node payments:payments --node search:search \
		--provider "openai=openai${base:+:$base}" \
		--model "openai/$MODEL=$PRICE_IN,$PRICE_OUT" \
		--group "assistant=openai/$MODEL" --group "coder=openai/$MODEL" \
		"${more[@]}" >"$LAB/log/init"
	operator=$(sed -n 's/^operator key: //p' "$LAB/log/init")
	sed -i "s/$MODEL: {price/$MODEL: {max_output: $CAP, price/
		/^  answers:/a\    dialects: [responses]" "$LAB/mesh/egress/central.yaml"
	sed -i '/^  routed:/,/targets:/ {s/static/failover/
		s/gpu.flaky/&, answers\/sim/}' "$LAB"/mesh/node/*.yaml
	sed -i '/targets: .claude/a\    drop: [hints, sampling]
		/^  assistant:/a\    drop: [hints, hosted_tools]' "$LAB/mesh/node/payments.yaml"
	egress enroll --state "$LAB/central" --mesh demo --name central \
		--address "127.0.0.1:$(<"$LAB/tap.port")" --operator-key "$operator" |
		topology add "$LAB/mesh" >/dev/null
	for team in "${NODES[@]}"; do
		node enroll --state "$LAB/$team" --mesh demo --name "$team" --team "$team" \
			--parent central --operator-key "$operator" |
			topology add "$LAB/mesh" >/dev/null
	done
	topology sign "$LAB/mesh" --key "$LAB/keys/operator.key" >/dev/null
	for team in "${NODES[@]}"; do
		topology sign "$LAB/mesh" --key "$LAB/keys/$team.key" --node "$team" >/dev/null
	done
	topology verify "$LAB/mesh" --operator-key "$operator" >"$LAB/log/verify"
}

# serve NAME PROGRAM: and wait until it is ready by its own word.
serve() {
	MEMBER=$1
	spawn "$1" "$BIN/$2" serve --state "$LAB/$1" --topology "$LAB/mesh"
	wait_for "$1" test -s "$LAB/$1/run.json"
	[[ $2 == gsr-egress ]] || wait_for "$1" curl -sf "$(url_of "$1")/readyz"
}

# ask NODE BODY [PATH]: the answer in ANSWER, its STATUS, what was DROPPED of the
# request, seconds to the FIRST byte and in TOTAL. The token, by a pipe and not
# as an argument, is NODE's or that of AS.
ask() {
	local node=$1 body=$2 path=${3-chat/completions} seen

	MEMBER=$node
	seen=$(curl -sS -N --max-time 60 -o "$LAB/answer" -D "$LAB/head" \
		-w '%{http_code} %{time_starttransfer} %{time_total}' \
		-H @<(echo "Authorization: Bearer ${TOKEN[${AS:-$node}]}") \
		-H 'Content-Type: application/json' -d "$body" \
		"$(url_of "$node")/v1/$path" 2>"$LAB/said")
	read -r STATUS FIRST TOTAL <<<"$seen"
	DROPPED=$(sed -n 's/^X-Router-Dropped: \(.*\)\r$/\1/p' "$LAB/head")
	ANSWER=$(<"$LAB/answer")
	rm -f "$LAB/answer" "$LAB/head"
}

# body MODEL STREAM TEXT [WORD…]: words are for the scripted provider only.
body() {
	local text=$3

	[[ -n $LIVE || $# -lt 4 ]] || text+=" [[sim ${*:4}]]"
	printf '{"model":"%s","stream":%s,"reasoning_effort":"minimal","messages":[{"role":"user","content":"%s"}]}' \
		"$1" "$2" "$text"
}

# sum FIELD FILE…: of all rows.
sum() {
	local field=$1

	shift
	grep -oh "\"$field\":[0-9]*" "$@" | awk -F: '{ n += $2 } END { print n + 0 }'
}

children_end() {
	local i

	[[ ${#PID[@]} -gt 0 ]] || return 0
	kill "${PID[@]}" 2>/dev/null || true
	for i in {1..60}; do
		kill -0 "${PID[@]}" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL "${PID[@]}" 2>/dev/null || true
}
