# screen: what the demo shows, a line or a few for each step, and how it says
# what went wrong.

NUMBER=0      # of the step under way
STEP=''       # its name
STARTED=0     # microseconds
LINES_TOLD=() # what it found out
MEMBER=''     # whose log would tell more
TRY=''        # the one thing to try when it fails
WHY=''        # it failed

if [[ -t 1 ]]; then
	BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
	BOLD='' GREEN='' RED='' PLAIN=''
fi

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

# step NAME TRY: it begins; run its function, then step_done.
step() {
	NUMBER=$((NUMBER + 1))
	STEP=$1
	TRY=$2
	MEMBER=''
	LINES_TOLD=()
	STARTED=$(now_us)
	: >"$LAB/said"
	[[ ! -t 1 ]] || printf '%2d  %-9s …' "$NUMBER" "$STEP"
}

# tell TEXT: something that was just checked.
tell() {
	if [[ ${#LINES_TOLD[@]} -eq 0 ]]; then
		LINES_TOLD=("$1")
	else
		LINES_TOLD+=("          $1")
	fi
}

step_done() {
	local took line

	took=$(($(now_us) - STARTED))
	[[ ! -t 1 ]] || printf '\r'
	printf '%s%2d  %-9s%s %-78s%s%5d.%d s%s\n' "$BOLD" "$NUMBER" "$STEP" "$PLAIN" \
		"${LINES_TOLD[0]}" "$GREEN" $((took / 1000000)) $((took / 100000 % 10)) "$PLAIN"
	for line in "${LINES_TOLD[@]:1}"; do
		printf '    %s\n' "$line"
	done
}

die() {
	WHY=$1
	exit 1
}

# On the way out of a run that did not come to its end.
show_failure() {
	[[ ! -t 1 ]] || printf '\r'
	printf '%s%2d  %-9s FAILED%s: %s\n' "$RED" "$NUMBER" "$STEP" "$PLAIN" \
		"${WHY:-a command failed: $COMMAND}"
	if [[ -s $LAB/said ]]; then
		echo "    it said:"
		tail -n 8 "$LAB/said" | sed 's/^/      /'
	fi
	if [[ -n $MEMBER && -s $LAB/log/$MEMBER ]]; then
		echo "    the last lines of $MEMBER:"
		tail -n 5 "$LAB/log/$MEMBER" | cut -c -220 | sed 's/^/      /'
	fi
	echo "    try: $TRY"
}

mib() { awk "BEGIN { printf \"%.1f MiB\", $1 / 1048576 }"; }
kib() { awk "BEGIN { printf \"%.0f KiB\", $1 / 1024 }"; }
ms() { awk "BEGIN { printf \"%.1f ms\", $1 * 1000 }"; }
