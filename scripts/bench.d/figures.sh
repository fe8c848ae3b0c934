# figures: one function a figure. The lines "# figure NAME: TEXT" are the help
# and the list; those that begin with nginx_ need no mesh and run when named.

SIM_MODEL=gpt-5-mini
SECONDS_A_RUN=2 # and more rounds: the machine is shared

# of_messages URL: the same place's path for Messages.
of_messages() { echo "${1%/chat/completions}/messages"; }

nginx_rps() { rps "$NGINX_URL" "$SIM_MODEL" 32 $SECONDS_A_RUN; }
node_rps() { rps "$NODE_URL" own 32 $SECONDS_A_RUN; }

# figure one_hop_rps_ratio: requests/s of a node beside nginx, 2 KB chat, 32 connections
figure_one_hop_rps_ratio() {
	mesh_use
	by_turns 5 nginx_rps node_rps
	emit one_hop_rps_ratio "$RATIO" \
		"node/nginx requests/s" "$MEDIAN_A"
}

nginx_cpu() {
	cpu_a_request "$NGINX_URL" "$SIM_MODEL" 32 $SECONDS_A_RUN "$NGINX_PID"
}
node_cpu() { cpu_a_request "$NODE_URL" own 32 $SECONDS_A_RUN "$NODE_PID"; }

# figure one_hop_cpu_ratio: CPU a request of the same; fair also where the load client is the slower one
figure_one_hop_cpu_ratio() {
	mesh_use
	by_turns 5 nginx_cpu node_cpu
	emit one_hop_cpu_ratio "$RATIO" \
		"node/nginx CPU us a request" "$MEDIAN_A"
}

INSTRUCTION_CALLS=1000

# count_instructions: of the thread that did the most, the worker, for each of
# that many calls, after some that bring in what is made once.
count_instructions() {
	local counts=$LAB/instructions
	latency "$NODE_URL" own --count 300 >/dev/null
	callgrind_control -z "$NODE_PID" >&2
	latency "$NODE_URL" own --count $INSTRUCTION_CALLS --warmup 0 >/dev/null
	callgrind_control -d "$NODE_PID" >&2
	wait_for callgrind test -s "$counts.$NODE_PID.1-01"
	awk -v calls=$INSTRUCTION_CALLS '$1 == "summary:" && $2 > most { most = $2 }
		END { printf "%d", most / calls }' "$counts.$NODE_PID".1-*
}

# figure one_hop_instructions: user instructions of a worker for a request of 2 KB, one at a time: within 2 % also on a busy machine, but blind to cache misses; needs valgrind
figure_one_hop_instructions() {
	if ! command -v callgrind_control >/dev/null; then
		say "  left out: valgrind is missing (apt-get install valgrind)"
		return
	fi
	[[ -z ${NODE_PID-} ]] || mesh_end
	# Each byte of a "rep" would be an instruction.
	NODE_UNDER=(env
		GLIBC_TUNABLES=glibc.cpu.x86_rep_stosb_threshold=1000000000:glibc.cpu.x86_rep_movsb_threshold=1000000000
		valgrind --tool=callgrind --separate-threads=yes
		"--callgrind-out-file=$LAB/instructions.%p")
	mesh_start 1
	emit one_hop_instructions "$(count_instructions)" instructions null
	NODE_UNDER=()
	mesh_end
}

nginx_chain_cpu() {
	# shellcheck disable=SC2086
	cpu_a_request "$CHAIN_URL" "$SIM_MODEL" 64 $SECONDS_A_RUN $CHAIN_PIDS
}
mesh_cpu() {
	cpu_a_request "$NODE_URL" shared 64 $SECONDS_A_RUN "$NODE_PID" "$EGRESS_PID"
}

# figure two_hop_cpu_ratio: CPU a request of node and egress beside two nginx in a row, 64 connections
figure_two_hop_cpu_ratio() {
	mesh_use
	by_turns 5 nginx_chain_cpu mesh_cpu
	emit two_hop_cpu_ratio "$RATIO" \
		"mesh/nginx CPU us a request" "$MEDIAN_A"
}

# sse_cpu "PID…" URL MODEL SETTING…
sse_cpu() {
	cpu_an_event "$1" stream "${@:2}" --streams 400 --seconds 4 \
		--words "endless=1 interval_ms=10"
}
nginx_sse_cpu() { sse_cpu "$NGINX_PID" "$NGINX_SSE_URL" "$SIM_MODEL"; }
node_sse_cpu() { sse_cpu "$NODE_PID" "$NODE_URL" own; }

# figure sse_cpu_ratio: CPU an event of a node beside nginx unbuffered, 400 streams, an event each 10 ms
figure_sse_cpu_ratio() {
	mesh_use
	by_turns 3 nginx_sse_cpu node_sse_cpu
	emit sse_cpu_ratio "$RATIO" \
		"node/nginx CPU us an event" "$MEDIAN_A"
}

from_messages_cpu() { sse_cpu "$NODE_PID" "$NODE_URL" messages; }

# figure sse_translated_cpu_ratio: the same of a node that makes Chat of what Messages says
figure_sse_translated_cpu_ratio() {
	mesh_use
	by_turns 3 nginx_sse_cpu from_messages_cpu
	emit sse_translated_cpu_ratio "$RATIO" \
		"node/nginx CPU us an event" "$MEDIAN_A"
}

to_messages_cpu() {
	sse_cpu "$NODE_PID" "$(of_messages "$NODE_URL")" chat --dialect messages
}

# figure sse_to_messages_cpu_ratio: the same of a node that makes Messages of what Chat says
figure_sse_to_messages_cpu_ratio() {
	mesh_use
	by_turns 3 nginx_sse_cpu to_messages_cpu
	emit sse_to_messages_cpu_ratio "$RATIO" \
		"node/nginx CPU us an event" "$MEDIAN_A"
}

mib() { calc "$(status_kib "$1" RssAnon) / 1024" 2; }

# figure rss_anon_fresh_mib: anonymous memory of a node that has just started
figure_rss_anon_fresh_mib() {
	mesh_fresh
	nginx_fresh
	emit rss_anon_fresh_mib "$(mib "$NODE_PID")" MiB "$(mib "$FRESH_PID")"
	end_child "$FRESH_PID"
}

# hit_times URL MODEL COUNT: at least so many requests.
hit_times() {
	local seen=0 run
	while [[ $seen -lt $3 ]]; do
		run=$(hit "$1" "$2" 32 2)
		seen=$((seen + $(jq .requests <<<"$run")))
	done
}

# figure rss_anon_100k_mib: the same after 100,000 requests
figure_rss_anon_100k_mib() {
	mesh_fresh
	nginx_fresh
	hit_times "$NODE_URL" own 100000
	hit_times "$FRESH_URL" "$SIM_MODEL" 100000
	emit rss_anon_100k_mib "$(mib "$NODE_PID")" MiB "$(mib "$FRESH_PID")"
	end_child "$FRESH_PID"
}

# emit_kib_a_stream NAME GROUP
emit_kib_a_stream() {
	local node nginx
	mesh_fresh
	nginx_fresh
	node=$(kib_a_stream "$NODE_PID" "$NODE_URL" "$2")
	nginx=$(kib_a_stream "$FRESH_PID" "$FRESH_SSE_URL" "$SIM_MODEL")
	emit "$1" "$node" KiB "$nginx"
	end_child "$FRESH_PID"
}

# figure stream_kib: memory of a node for each of 400 open, idle streams
figure_stream_kib() { emit_kib_a_stream stream_kib own; }

# figure stream_translated_kib: the same where it makes Chat of what Messages says
figure_stream_translated_kib() { emit_kib_a_stream stream_translated_kib messages; }

# added DIRECT NGINX MESH: functions that print "p50 p99" of one call at
# a time, called by turns. What nginx and the mesh add, in NGINX_P50, MESH_P50,
# NGINX_P99 and MESH_P99.
added() {
	local round at runs=3 p50=() p99=()
	local -A seen=()
	for ((round = 0; round < runs; round++)); do
		for at in "$@"; do
			seen[$at]+="$($at)"$'\n'
			say "  $at $(tail -n 1 <<<"${seen[$at]%$'\n'}")"
		done
	done
	for at in "$@"; do
		# shellcheck disable=SC2046
		p50+=("$(median $(awk '{ print $1 }' <<<"${seen[$at]}"))")
		# shellcheck disable=SC2046
		p99+=("$(median $(awk '{ print $2 }' <<<"${seen[$at]}"))")
	done
	NGINX_P50=$((p50[1] - p50[0])) MESH_P50=$((p50[2] - p50[0]))
	NGINX_P99=$((p99[1] - p99[0])) MESH_P99=$((p99[2] - p99[0]))
}

# emit_added NAME
emit_added() {
	emit "${1}_p50_us" "$MESH_P50" us "$NGINX_P50"
	emit "${1}_p99_us" "$MESH_P99" us "$NGINX_P99"
}

direct_calls() { latency "$SIM_URL" "$SIM_MODEL"; }
nginx_calls() { latency "$NGINX_URL" "$SIM_MODEL"; }
node_calls() { latency "$NODE_URL" own; }

# figure one_hop_added_p50_us: what a node adds to a call, one at a time; prints one_hop_added_p99_us too
figure_one_hop_added_p50_us() {
	mesh_use
	added direct_calls nginx_calls node_calls
	emit_added one_hop_added
}

chain_calls() { latency "$CHAIN_URL" "$SIM_MODEL"; }
mesh_calls() { latency "$NODE_URL" shared; }

# figure two_hop_added_p50_us: the same for node and egress, beside two nginx; prints two_hop_added_p99_us too
figure_two_hop_added_p50_us() {
	mesh_use
	added direct_calls chain_calls mesh_calls
	emit_added two_hop_added
}

# agent_calls URL MODEL
agent_calls() {
	local body=$LAB/agent-$2.json
	[[ -s $body ]] || jq -cn --arg model "$2" -f "$here/bench.d/agent.jq" >"$body"
	latency "$(of_messages "$1")" "$2" --body "$body" --count 300 --warmup 50
}
direct_agent() { agent_calls "$SIM_URL" "$SIM_MODEL"; }
nginx_agent() { agent_calls "$NGINX_URL" "$SIM_MODEL"; }
node_agent() { agent_calls "$NODE_URL" chat; }

# figure agent_300kb_added_ms: what a node adds at p50 to a Messages request of 300 KB with 60 tools that it translates to Chat
figure_agent_300kb_added_ms() {
	mesh_use
	added direct_agent nginx_agent node_agent
	emit agent_300kb_added_ms "$(calc "$MESH_P50 / 1000" 2)" ms \
		"$(calc "$NGINX_P50 / 1000" 2)"
}

IMAGE_BYTES=$((6 * 1024 * 1024))
PNG_BEGIN=iVBORw0KGgoAAAANSUhEUgAABAAAAAMA # 1024 by 768

# image_call URL MODEL BYTES: one Messages request with a picture.
image_call() {
	local body=$LAB/image-$2-$3.json
	{
		printf '{"model":"%s","max_tokens":64,"messages":[{"role":"user",' "$2"
		printf '"content":[{"type":"image","source":{"type":"base64",'
		printf '"media_type":"image/png","data":"%s' "$PNG_BEGIN"
		head -c "$3" /dev/zero | tr '\0' A
		printf '"}},{"type":"text","text":"What is this?"}]}]}'
	} >"$body"
	load latency "$(of_messages "$1")" "$2" --body "$body" --count 1 --warmup 0
}

# image_peak PID URL MODEL: behind a small one, which brings in the code.
image_peak() {
	image_call "$2" "$3" 1024 >&2
	peak_mib "$1" image_call "$2" "$3" $IMAGE_BYTES
}

# figure image_6mb_peak_mib: how far the memory of a fresh node rises for a request with a picture of 6 MiB that it translates
figure_image_6mb_peak_mib() {
	local node nginx
	mesh_fresh
	nginx_fresh
	node=$(image_peak "$NODE_PID" "$NODE_URL" chat)
	nginx=$(image_peak "$FRESH_PID" "$FRESH_URL" "$SIM_MODEL")
	emit image_6mb_peak_mib "$node" MiB "$nginx"
	end_child "$FRESH_PID"
}

one_worker_cpu() {
	NODE_URL=$ONE_URL NODE_PID=$ONE_NODE EGRESS_PID=$ONE_EGRESS TOKEN=$ONE_TOKEN mesh_cpu
}

# figure workers2_cpu_ratio: CPU a request of node and egress with two workers beside one, on one core
figure_workers2_cpu_ratio() {
	mesh_fresh
	ONE_URL=$NODE_URL ONE_NODE=$NODE_PID ONE_EGRESS=$EGRESS_PID ONE_TOKEN=$TOKEN
	mesh_start 2
	by_turns 5 one_worker_cpu mesh_cpu
	emit workers2_cpu_ratio "$RATIO" \
		"two workers/one CPU us a request" "$MEDIAN_A"
	mesh_end
	NODE_PID=$ONE_NODE EGRESS_PID=$ONE_EGRESS
	mesh_end
}

# idle_cpu "PID…" URL MODEL
idle_cpu() {
	cpu_an_event "$1" hold "$2" "$3" --streams 4000 --seconds 8 \
		--words "endless=1 interval_ms=2000"
}
nginx_idle_cpu() { idle_cpu "$NGINX_PID" "$NGINX_SSE_URL" "$SIM_MODEL"; }
node_idle_cpu() { idle_cpu "$NODE_PID" "$NODE_URL" own; }

# figure idle4000_cpu_us_per_event: CPU an event of a node that holds 4000 streams, each with an event every 2 s
figure_idle4000_cpu_us_per_event() {
	mesh_use
	by_turns 1 nginx_idle_cpu node_idle_cpu
	emit idle4000_cpu_us_per_event "$MEDIAN_B" us "$MEDIAN_A"
}

weighted_us() { taskset -c "$GATEWAY_CORE" "$BIN/bench-strategy" weighted; }
score_us() { taskset -c "$GATEWAY_CORE" "$BIN/bench-strategy" score; }

# emit_strategy NAME FUNCTION
emit_strategy() {
	need bench-strategy
	by_turns 3 "$2"
	emit "$1" "$MEDIAN_A" us null
}

# figure strategy_weighted_us: to put eight targets in order by weight, with a look at each; aim 2
figure_strategy_weighted_us() { emit_strategy strategy_weighted_us weighted_us; }

# figure strategy_score_us: the same by score; aim 10
figure_strategy_score_us() { emit_strategy strategy_score_us score_us; }

admission_us() { taskset -c "$GATEWAY_CORE" "$BIN/bench-admission" alone; }
admission_contended_us() { "$BIN/bench-admission" contended; }

# emit_admission NAME FUNCTION
emit_admission() {
	need bench-admission
	by_turns 5 "$2"
	emit "$1" "$MEDIAN_A" us null
}

# figure admission_us: to let a request in through four levels of limits and to settle it, the levels looked up by name; aim 1
figure_admission_us() { emit_admission admission_us admission_us; }

# figure admission_contended_us: the same by two threads that do nothing else, on both cores; aim 3
figure_admission_contended_us() { emit_admission admission_contended_us admission_contended_us; }

LEDGER_ROWS=10000000

last_month() { date -u -d "$(date -u +%Y-%m-01) -1 day" +%Y-%m; }
report_month() {
	"$BIN/gsr-node" report --state "$NODE_STATE" --month "$(last_month)" "$@"
}
month_report_s() {
	local start=$EPOCHREALTIME
	[[ $(report_month --by project,target,status --json |
		jq '.total.requests') == "$LEDGER_ROWS" ]] || die "a report lost rows"
	calc "$EPOCHREALTIME - $start" 3
}

# figure report_10m_s: a month's report by three dimensions over a ledger of ten million rows, of a serving node; aim 2
figure_report_10m_s() {
	mesh_month "$LEDGER_ROWS"
	by_turns 5 month_report_s
	emit report_10m_s "$MEDIAN_A" s null
}

# figure report_10m_rss_mib: that node's own memory after such reports, by day too; aim 256
figure_report_10m_rss_mib() {
	mesh_month "$LEDGER_ROWS"
	report_month --by day,project,target,status --json >/dev/null
	report_month --by project,target,status --json >/dev/null
	emit report_10m_rss_mib \
		"$(calc "$(status_kib "$NODE_PID" RssAnon) / 1024" 1)" MiB null
}

quiet_p99() { latency "$NODE_URL" own | cut -d ' ' -f 2; }
# One client asks for one after the other, over one connection: what is measured
# is the node beside its reports, not what it costs to start a command.
p99_beside_report() {
	local p99 pid
	taskset -c "$LOAD_CORE" nice -n 19 curl -sf -o /dev/null \
		--unix-socket "$NODE_STATE/control.sock" \
		"http://member/admin/report?month=$(last_month)&by=day,project,target&format=json#[1-100000]" &
	pid=$!
	sleep 0.5
	p99=$(quiet_p99)
	kill "$pid" 2>/dev/null || die "no report was being worked out"
	wait "$pid" 2>/dev/null || true
	echo "$p99"
}

# figure p99_beside_report_ratio: p99 of calls while such reports, by day, run one after the other, beside none; aim 1.1
figure_p99_beside_report_ratio() {
	mesh_month "$LEDGER_ROWS"
	by_turns 9 quiet_p99 p99_beside_report
	emit p99_beside_report_ratio "$RATIO" "p99/p99" "$MEDIAN_A"
}

receipts_1m_s() { "$BIN/bench-receipts" 1000000 16; }

# figure receipts_1m_s: to check a million receipts of an export with public keys alone, 16 a signature, in two threads
figure_receipts_1m_s() {
	need bench-receipts
	by_turns 1 receipts_1m_s
	emit receipts_1m_s "$MEDIAN_A" s null
}

script_us() {
	taskset -c "$GATEWAY_CORE" "$BIN/gsr-node" policy test --json --time 5000 \
		"$here/../docs/examples/policies/cheapest-fit.ts" \
		"$here/../docs/examples/policies/cheapest-fit.cases.yaml" |
		jq '.cases[-1].median_ns / 1000'
}

# figure strategy_script_us: the same by a TypeScript policy in its sandbox, contract and answer included; aim 150
figure_strategy_script_us() { emit_strategy strategy_script_us script_us; }

# beside GROUP…: p99 in ms of calls to `own` while others ask those groups.
beside() {
	local group pids=() p99
	for group; do
		hit "$NODE_URL" "$group" 1 8 >/dev/null 2>&1 &
		pids+=($!)
	done
	sleep 0.5
	p99=$(latency "$NODE_URL" own | cut -d ' ' -f 2)
	kill "${pids[@]}" 2>/dev/null || true
	wait "${pids[@]}" 2>/dev/null || true
	calc "$p99 / 1000" 2
}
beside_peaceful() { beside chat chat chat chat; }
# figure p99_beside_hostile_policy_ms: p99 of a node's calls while policies loop or take all they may; baseline: beside as many clients of a static group
figure_p99_beside_hostile_policy_ms() {
	local good=() bad=()
	mesh_use
	# A fresh node each time: who was put aside would be at peace.
	for _ in 1 2 3; do
		good+=("$(beside_peaceful)")
		mesh_fresh
		# shellcheck disable=SC2086
		bad+=("$(beside ${HOSTILE_GROUPS//,/ })")
		say "  beside peaceful ones ${good[-1]}, beside hostile ones ${bad[-1]}"
	done
	emit p99_beside_hostile_policy_ms "$(median "${bad[@]}")" ms \
		"$(median "${good[@]}")"
}

direct_rps() { rps "$SIM_URL" "$SIM_MODEL" 32 $SECONDS_A_RUN; }

# nginx_figure NAME UNIT FUNCTION
nginx_figure() {
	by_turns 3 "$3"
	emit "$1" "$MEDIAN_A" "$2" null
}

# figure nginx_direct_rps: requests/s of the provider itself, load and provider on one core
figure_nginx_direct_rps() { nginx_figure nginx_direct_rps requests/s direct_rps; }

# figure nginx_one_hop_rps: requests/s of nginx
figure_nginx_one_hop_rps() { nginx_figure nginx_one_hop_rps requests/s nginx_rps; }

# figure nginx_one_hop_cpu_us: CPU a request of nginx
figure_nginx_one_hop_cpu_us() { nginx_figure nginx_one_hop_cpu_us us nginx_cpu; }

# figure nginx_two_hop_cpu_us: CPU a request of two nginx in a row
figure_nginx_two_hop_cpu_us() { nginx_figure nginx_two_hop_cpu_us us nginx_chain_cpu; }

# figure nginx_sse_cpu_us: CPU an event of nginx, 400 streams, an event each 10 ms
figure_nginx_sse_cpu_us() { nginx_figure nginx_sse_cpu_us us nginx_sse_cpu; }

# figure nginx_idle4000_cpu_us: CPU an event of nginx that holds 4000 streams
figure_nginx_idle4000_cpu_us() { nginx_figure nginx_idle4000_cpu_us us nginx_idle_cpu; }

# figure nginx_stream_kib: memory of nginx for each of 400 open, idle streams
figure_nginx_stream_kib() {
	local nginx
	nginx_fresh
	nginx=$(kib_a_stream "$FRESH_PID" "$FRESH_SSE_URL" "$SIM_MODEL")
	emit nginx_stream_kib "$nginx" KiB null
	end_child "$FRESH_PID"
}
