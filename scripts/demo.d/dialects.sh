# dialects: one question in the words of each API, put to targets that speak
# another: a tool to call, and the call with its result as history.

DIALECTS=(chat responses messages)
declare -A PATH_OF=([chat]=chat/completions [responses]=responses [messages]=messages)
# What only the good end of a stream has in it.
declare -A END_OF=([chat]='data: [DONE]' [responses]='event: response.completed'
	[messages]='event: message_stop')
# A call of get_weather in a whole answer, and its result in a request.
declare -A CALL_OF=(
	[chat]='"function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}'
	[responses]='"name":"get_weather","arguments":"{\"city\":\"Paris\"}"'
	[messages]='"name":"get_weather","input":{"city":"Paris"}')
declare -A RESULT_OF=([chat]='"role":"tool"' [responses]='"function_call_output"'
	[messages]='"tool_result"')
SCHEMA='{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'

# tool_of DIALECT
tool_of() {
	case $1 in
	chat) echo '{"type":"function","function":{"name":"get_weather","parameters":'"$SCHEMA"'}}' ;;
	responses) echo '{"type":"function","name":"get_weather","parameters":'"$SCHEMA"'}' ;;
	messages) echo '{"name":"get_weather","input_schema":'"$SCHEMA"'}' ;;
	esac
}

# conversation DIALECT TEXT [RESULT]: the question, or all up to the result.
conversation() {
	local asked='{"role":"user","content":"'$2'"}'

	if [[ $# -lt 3 ]]; then
		echo "$asked"
		return
	fi
	case $1 in
	chat) echo "$asked"',{"role":"assistant","tool_calls":[{"id":"call_1","type":"function",'"${CALL_OF[chat]}"'}]},
		{"role":"tool","tool_call_id":"call_1","content":"'"$3"'"}' ;;
	responses) echo "$asked"',{"type":"function_call","call_id":"call_1",'"${CALL_OF[responses]}"'},
		{"type":"function_call_output","call_id":"call_1","output":"'"$3"'"}' ;;
	messages) echo "$asked"',{"role":"assistant","content":[{"type":"tool_use","id":"call_1",'"${CALL_OF[messages]}"'}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"'"$3"'"}]}' ;;
	esac
}

# tool_body DIALECT MODEL MORE TEXT [RESULT]: MORE are members, with a comma.
tool_body() {
	local list=messages

	[[ $1 != responses ]] || list=input
	[[ $1 != messages ]] || set -- "$1" "$2" "\"max_tokens\":50,$3" "${@:4}"
	printf '{"model":"%s",%s"tools":[%s],"%s":[%s]}' "$2" "$3" "$(tool_of "$1")" "$list" \
		"$(conversation "$1" "${@:4}")"
}

# cross ASKED SPOKEN: a call whole, a call in a stream, a result.
cross() {
	local asked=$1 spoken=$2 pair="$1 to $2" text

	text="Weather in Paris? [[sim tokens=1 call=get_weather:$(printf '{"city":"Paris"}' | base64)]]"
	ask payments "$(tool_body "$asked" "by-$spoken" '' "$text")" "${PATH_OF[$asked]}"
	[[ $STATUS == 200 && $ANSWER == *"${CALL_OF[$asked]}"* ]] || die "$pair: no call in $STATUS: $ANSWER"
	ask payments "$(tool_body "$asked" "by-$spoken" '"stream":true,' "$text")" "${PATH_OF[$asked]}"
	[[ $STATUS == 200 && $ANSWER == *get_weather*"${END_OF[$asked]}"* ]] ||
		die "$pair: no call in the stream, or no end: $ANSWER"
	ask payments "$(tool_body "$asked" "by-$spoken" '' "$text" "21 degrees")" "${PATH_OF[$asked]}"
	[[ $STATUS == 200 && $ANSWER == *'"t0 "'* ]] || die "$pair: no text in $STATUS: $ANSWER"
	SEEN=$(curl -sf "$SIM/sim/calls/last/body")
	[[ $SEEN == *"${RESULT_OF[$spoken]}"*'21 degrees'* ]] || die "$pair: the target got $SEEN"
	[[ $(curl -sf "$SIM/sim/calls" | grep -o '"path":"[^"]*"' | tail -n 1) == *"/${PATH_OF[$spoken]}\"" ]] ||
		die "$pair: the target was not called in its dialect"
}
