# mesh: a node and an egress as the bench wants them. The group `own` goes to
# the provider from the node (one hop), `shared` over the link (two hops);
# `chat` and `messages` go from the node, too, to who speaks nothing else. The
# groups hostile0 to hostile3 have policies that take all they can get.

MESHES=0
NODE_UNDER=() # a program, with its settings, that runs the node
HOSTILE_GROUPS=hostile0,hostile1,hostile2,hostile3

# hostile_groups DIR: their stanzas; the policies go below DIR.
hostile_groups() {
	local at code
	# Not of a node that is run slowly: its time for policies is real time.
	[[ ${#NODE_UNDER[@]} -eq 0 ]] || return 0
	mkdir -p "$1/policies"
	for at in 0 1 2 3; do
		code='for (;;);'
		# Long, but not so long that it is killed.
		[[ $at -lt 2 ]] || code='let x = 0; for (let i = 0; i < 100000; i++) x += i;'
		echo "export default (input) => { $code return [input.targets[0].target]; };" \
			>"$1/policies/hostile$at.js"
		echo "  hostile$at:"
		echo "    strategy: script"
		echo "    targets: [local/gpt-5-mini]"
		echo "    script: {file: policies/hostile$at.js, fallback: failover, hash: \"$(
			b2sum -l 256 "$1/policies/hostile$at.js" | cut -d ' ' -f 1)\"}"
	done
}

mesh_files() {
	local dir=$1 node_port=$2 egress_port=$3 node_stanza=$4 egress_stanza=$5
	mkdir -p "$dir/node" "$dir/egress"
	cat >"$dir/mesh.yaml" <<EOF
mesh: bench
members:
  $egress_stanza
  $node_stanza
teams:
  team:
    signing_key: "$6"
    models: [openai/gpt-5-mini]
EOF
	cat >"$dir/egress/central.yaml" <<EOF
listen: 127.0.0.1:$egress_port
providers:
  openai:
    type: openai
    base_url: http://127.0.0.1:$SIM_PORT/v1
    api_key: secret/openai
    models:
      gpt-5-mini: {price: {input: 0.25, cached_input: 0.025, output: 2.00}}
EOF
	cat >"$dir/node/edge.yaml" <<EOF
listen: 127.0.0.1:$node_port
providers:
  local:
    type: openai
    base_url: http://127.0.0.1:$SIM_PORT/v1
    api_key: secret/local
    models:
      gpt-5-mini: {price: {input: 0.25, cached_input: 0.025, output: 2.00}}
  chat:
    type: openai-compatible
    base_url: http://127.0.0.1:$SIM_PORT/v1
    api_key: secret/local
    models:
      gpt-5-mini: {price: {input: 0.25, cached_input: 0.025, output: 2.00}}
  messages:
    type: anthropic
    base_url: http://127.0.0.1:$SIM_PORT/v1
    api_key: secret/local
    models:
      gpt-5-mini: {price: {input: 0.25, cached_input: 0.025, output: 2.00}}
groups:
  own: {strategy: static, targets: [local/gpt-5-mini]}
  shared: {strategy: static, targets: [openai/gpt-5-mini]}
  chat: {strategy: static, targets: [chat/gpt-5-mini]}
  messages: {strategy: static, targets: [messages/gpt-5-mini]}
$(hostile_groups "$dir")
EOF
}

# mesh_start WORKERS: NODE_URL, NODE_STATE, NODE_PID, EGRESS_PID, TOKEN. With
# MONTH_ROWS the node's ledger has so many rows of last month.
mesh_start() {
	need gsr-topology gsr-node gsr-egress
	local dir=$LAB/mesh$((++MESHES)) node_port egress_port operator team node egress
	node_port=$(free_port)
	egress_port=$(free_port)
	mkdir -p "$dir"
	operator=$("$BIN/gsr-topology" keygen "$dir/operator.key")
	team=$("$BIN/gsr-topology" keygen "$dir/team.key")
	node=$("$BIN/gsr-node" enroll --state "$dir/node" --mesh bench --name edge \
		--team team --parent central --operator-key "$operator")
	egress=$("$BIN/gsr-egress" enroll --state "$dir/egress" --mesh bench --name central \
		--address "127.0.0.1:$egress_port" --operator-key "$operator")
	mesh_files "$dir/topology" "$node_port" "$egress_port" "$node" "$egress" "$team"
	"$BIN/gsr-topology" sign "$dir/topology" --key "$dir/operator.key" >&2
	"$BIN/gsr-topology" sign "$dir/topology" --key "$dir/team.key" --node edge >&2
	echo sk-bench | "$BIN/gsr-egress" secret set openai --state "$dir/egress" >&2
	echo sk-bench | "$BIN/gsr-node" secret set local --state "$dir/node" >&2
	TOKEN=$("$BIN/gsr-node" token create bench --state "$dir/node" --groups "own,shared,chat,messages,$HOSTILE_GROUPS")
	if [[ ${MONTH_ROWS:-0} -gt 0 ]]; then
		say "  a ledger of $MONTH_ROWS rows (minutes)"
		"$BIN/bench-month" "$dir/node" "$MONTH_ROWS" 2>/dev/null
	fi
	NODE_STATE=$dir/node
	spawn "$GATEWAY_CORE" "$dir-egress.log" "$BIN/gsr-egress" serve \
		--state "$dir/egress" --topology "$dir/topology" --workers "$1"
	EGRESS_PID=$SPAWNED
	spawn "$GATEWAY_CORE" "$dir-node.log" "${NODE_UNDER[@]}" "$BIN/gsr-node" serve \
		--state "$dir/node" --topology "$dir/topology" --workers "$1"
	NODE_PID=$SPAWNED
	NODE_URL=http://127.0.0.1:$node_port/v1/chat/completions
	wait_for gsr-node curl -sf "http://127.0.0.1:$node_port/readyz"
}

mesh_end() {
	end_child "$NODE_PID"
	end_child "$EGRESS_PID"
	NODE_PID='' EGRESS_PID=''
}

# The mesh with one worker that most figures share.
mesh_use() {
	[[ -n ${NODE_PID-} ]] || mesh_start 1
}

# A mesh that has served nothing yet.
mesh_fresh() {
	[[ -z ${NODE_PID-} ]] || mesh_end
	mesh_start 1
}

# A mesh whose node has a ledger of that many rows, for all that ask for one.
mesh_month() {
	[[ ${MONTH_NODE-} != "$1:${NODE_PID-}" ]] || return 0
	[[ -z ${NODE_PID-} ]] || mesh_end
	MONTH_ROWS=$1 mesh_start 1
	MONTH_NODE=$1:$NODE_PID
}
