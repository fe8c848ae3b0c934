# lab: the folder, the children and the instruments of one run.

say() { printf 'bench: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

CHILDREN=() # process numbers that are not waited for yet

lab_open() {
	local tool
	for tool in wrk nginx jq curl taskset; do
		command -v "$tool" >/dev/null || die "$tool is missing"
	done
	need sim sim-load
	[[ $(nproc) -ge 2 ]] || die "needs two cores"
	ulimit -n "$(ulimit -Hn)"
	LAB=$(mktemp -d)
	trap lab_close EXIT
	trap 'exit 1' INT TERM
}

# A child that drains for longer than three seconds is cut.
lab_close() {
	local i
	kill "${CHILDREN[@]}" 2>/dev/null || true
	for i in {1..30}; do
		kill -0 "${CHILDREN[@]}" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "${CHILDREN[@]}" 2>/dev/null || true
	rm -rf "$LAB"
}

need() {
	local name
	for name in "$@"; do
		[[ -x $BIN/$name ]] ||
			die "$BIN/$name is missing: make && make tests-bins"
	done
}

# spawn CORE LOG COMMAND…: a child pinned to a core, its number in SPAWNED.
spawn() {
	local core=$1 log=$2
	shift 2
	taskset -c "$core" "$@" >"$log" 2>&1 &
	SPAWNED=$!
	CHILDREN+=("$SPAWNED")
}

# End one child before the lab ends.
end_child() {
	local pid left=()
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
	for pid in "${CHILDREN[@]}"; do
		[[ $pid == "$1" ]] || left+=("$pid")
	done
	CHILDREN=("${left[@]}")
}

# A port that nobody listens on now.
free_port() {
	local port
	while port=$((20000 + RANDOM % 12000)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# wait_for WHAT COMMAND…: until it succeeds, at most thirty seconds.
wait_for() {
	local what=$1 i
	shift
	for i in {1..600}; do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	die "$what does not come up; see $LAB ($(tail -n 3 "$LAB"/*.log | tail -c 600))"
}

# Microseconds of CPU these processes have used, threads included.
cpu_us() {
	local pid ticks sum=0
	for pid in "$@"; do
		ticks=$(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')
		sum=$((sum + ticks))
	done
	echo $((sum * 1000000 / $(getconf CLK_TCK)))
}

# status_kib PID FIELD: VmRSS or RssAnon.
status_kib() { awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"; }

# calc EXPRESSION DIGITS
calc() { awk "BEGIN { printf \"%.${2}f\", $1 }"; }

median() {
	printf '%s\n' "$@" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# by_turns ROUNDS A [B]: functions that print a number, called by turns. The
# medians in MEDIAN_A and MEDIAN_B; in RATIO the median of B/A of each round,
# since what else the machine does hits both runs of a round.
by_turns() {
	local rounds=$1 a=$2 b=${3-} round of_a of_b all_a=() all_b=() ratios=()
	for ((round = 0; round < rounds; round++)); do
		of_a=$($a)
		all_a+=("$of_a")
		say "  $a $of_a"
		[[ -n $b ]] || continue
		of_b=$($b)
		all_b+=("$of_b")
		say "  $b $of_b"
		ratios+=("$(calc "$of_b / $of_a" 3)")
	done
	MEDIAN_A=$(median "${all_a[@]}")
	[[ -z $b ]] || MEDIAN_B=$(median "${all_b[@]}")
	[[ -z $b ]] || RATIO=$(median "${ratios[@]}")
}

# emit NAME VALUE UNIT BASELINE
emit() {
	printf '{"name":"%s","value":%s,"unit":"%s","baseline":%s}\n' "$@"
}

# hit URL MODEL CONNECTIONS SECONDS: wrk's requests as one JSON object.
hit() {
	local seen
	seen=$(MODEL=$2 TOKEN=${TOKEN:-none} taskset -c "$LOAD_CORE" wrk -t1 -c"$3" \
		-d"$4" -s "$here/bench.d/chat.lua" "$1" | tail -n 1)
	jq -e '.requests > 0 and .failed == 0' <<<"$seen" >/dev/null ||
		die "requests to $1 failed: $seen"
	echo "$seen"
}

# rps URL MODEL CONNECTIONS SECONDS
rps() {
	local seen
	seen=$(hit "$@")
	jq '.requests * 1000000 / .us | floor' <<<"$seen"
}

# cpu_a_request URL MODEL CONNECTIONS SECONDS PID…
cpu_a_request() {
	local before seen after
	before=$(cpu_us "${@:5}")
	seen=$(hit "${@:1:4}")
	after=$(cpu_us "${@:5}")
	calc "($after - $before) / $(jq .requests <<<"$seen")" 2
}

# load MODE URL MODEL SETTING…: sim-load, pinned.
load() {
	taskset -c "$LOAD_CORE" "$BIN/sim-load" "$1" --url "$2" --model "$3" \
		--bearer "${TOKEN:-none}" "${@:4}"
}

# cpu_an_event "PID…" MODE URL MODEL SETTING…
cpu_an_event() {
	local before after line
	{
		read -r line && jq -e .ready <<<"$line" >/dev/null ||
			die "streams of $3 did not begin: $line"
		# shellcheck disable=SC2086
		before=$(cpu_us $1)
		read -r line || die "sim-load ended early"
		# shellcheck disable=SC2086
		after=$(cpu_us $1)
	} < <(load "${@:2}" || true)
	jq -e '.events > 0 and .errors == 0' <<<"$line" >/dev/null ||
		die "streams of $3 failed: $line"
	say "  $line"
	calc "($after - $before) / $(jq .events <<<"$line")" 2
}

# kib_a_stream PID URL MODEL SETTING…: what 400 open streams add to its memory.
kib_a_stream() {
	local before after line streams=400
	before=$(status_kib "$1" VmRSS)
	{
		read -r line && jq -e .ready <<<"$line" >/dev/null ||
			die "streams of $2 did not begin: $line"
		sleep 1
		after=$(status_kib "$1" VmRSS)
		cat >/dev/null
	} < <(load hold "${@:2}" --streams $streams --seconds 2 || true)
	calc "($after - $before) / $streams" 1
}

# latency URL MODEL SETTING…: "p50 p99" in microseconds, one call at a time.
latency() {
	local seen
	seen=$(load latency "$1" "$2" --count 3000 --warmup 300 "${@:3}") ||
		die "calls of $1 failed: $seen"
	jq -r '"\(.p50_us) \(.p99_us)"' <<<"$seen"
}

# peak_mib PID COMMAND…: how far its memory rises while the command runs.
peak_mib() {
	local before
	# VmHWM begins anew; of a node that forbids tracing, for root only.
	echo 5 >"/proc/$1/clear_refs" || die "cannot reset the peak of $1"
	before=$(status_kib "$1" VmRSS)
	"${@:2}" >&2
	calc "($(status_kib "$1" VmHWM) - $before) / 1024" 1
}

provider_start() {
	spawn "$LOAD_CORE" "$LAB/sim.log" "$BIN/sim" --no-record --port-file "$LAB/sim.port"
	wait_for sim test -s "$LAB/sim.port"
	SIM_PORT=$(cat "$LAB/sim.port")
	SIM_URL=http://127.0.0.1:$SIM_PORT/v1/chat/completions
}
