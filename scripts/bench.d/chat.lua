-- wrk's requests: a chat body of 2 KB; at the end one JSON line.
local prose = string.rep("the quick brown fox jumps over the lazy dog ", 43)

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
wrk.body = '{"model":"' .. os.getenv("MODEL") .. '","messages":[' ..
	'{"role":"system","content":"You are terse."},' ..
	'{"role":"user","content":"' .. prose .. '"}]}'

function done(summary)
	local e = summary.errors
	io.write(string.format('{"requests":%d,"us":%d,"failed":%d}\n',
		summary.requests, summary.duration,
		e.connect + e.read + e.write + e.status + e.timeout))
end
