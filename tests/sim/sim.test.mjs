// The provider does what its words say: node --test tests/sim/*.test.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { LOG, calls, control, port, post, script, url } from "./program.mjs";

const chat = (words, more = {}) => ({
  model: "m", messages: [{ role: "user", content: words ? `hi [[sim ${words}]]` : "hi" }], ...more,
});

const ask = (body, headers) => post("/v1/chat/completions", body, headers);

// The bytes on the wire until the provider ends: { text, how }.
function wire(body, { requests = 1, wait = 1000 } = {}) {
  const json = JSON.stringify(body);
  const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`;
  return new Promise((ok) => {
    const got = [];
    const end = (how) => { socket.destroy(); ok({ text: Buffer.concat(got).toString("latin1"), how }); };
    const socket = net.connect(port, "127.0.0.1", () => socket.write(request.repeat(requests)));
    socket.on("data", (d) => got.push(d)).on("end", () => end("fin")).on("error", (e) => end(e.code));
    setTimeout(() => end("open"), wait).unref();
  });
}

async function events(answer) {
  const text = await answer.text();
  return text.split("\n\n").filter(Boolean).map((e) => e.slice("data: ".length));
}

test("answers", async () => {
  const answer = await ask(chat("tokens=3 prompt=40 completion=9 cached=8 reasoning=5"));
  const body = await answer.json();
  assert.equal(body.choices[0].message.content, "t0 t1 t2 ");
  assert.equal(body.model, "m");
  assert.equal(body.usage.total_tokens, 49);
  assert.equal(body.usage.prompt_tokens_details.cached_tokens, 8);
  assert.equal(body.usage.completion_tokens_details.reasoning_tokens, 5);
  assert.equal((await (await ask(chat("usage=none"))).json()).usage, undefined);
});

test("streams, with usage only when asked", async () => {
  const plain = await events(await ask(chat("tokens=2", { stream: true })));
  assert.equal(plain.length, 5);
  assert.equal(plain.at(-1), "[DONE]");
  assert.equal(JSON.parse(plain[2]).choices[0].delta.content, "t1 ");
  assert.ok(!("usage" in JSON.parse(plain[2])));
  const asked = await events(await ask(chat("tokens=2", { stream: true, stream_options: { include_usage: true } })));
  assert.deepEqual(JSON.parse(asked.at(-2)).choices, []);
  assert.equal(JSON.parse(asked.at(-2)).usage.completion_tokens, 2);
  assert.equal(JSON.parse(asked[0]).usage, null);
});

test("a stream that only content asks for is none", async () => {
  const answer = await ask(chat("", { metadata: { stream: true, model: "x" }, note: '"stream":true' }));
  assert.equal(answer.headers.get("content-type"), "application/json");
});

test("refuses", async () => {
  const limited = await ask(chat("status=429 retry_after=3"));
  assert.equal(limited.status, 429);
  assert.equal(limited.headers.get("retry-after"), "3");
  assert.equal((await limited.json()).error.code, "rate_limit_exceeded");
  const quota = await ask(chat("body=quota"));
  assert.equal(quota.status, 429);
  assert.equal((await quota.json()).error.code, "insufficient_quota");
  const raw = Buffer.from('{"object":"error"}').toString("base64");
  assert.equal(await (await ask(chat(`status=503 body=b64:${raw}`))).text(), '{"object":"error"}');
  assert.equal((await ask(chat("redirect=http://x/y"))).status, 302);
  assert.equal((await ask(chat("status=500 header=x-should-retry:false"))).headers.get("x-should-retry"), "false");
  assert.equal((await fetch(url("/v1/nowhere"))).status, 404);
});

test("a word that is none is told", async () => {
  assert.equal((await (await ask(chat("statsu=429"))).json()).error.code, "bad_words");
  assert.equal((await fetch(url("/sim/script"), { method: "POST", body: "x=1" })).status, 400);
});

test("follows the plan: the next two fail, then the standing script, then none", async () => {
  await script("status=503 times=2");
  await script("tokens=1");
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await ask(chat(""))).status);
  assert.deepEqual(statuses, [503, 503, 200]);
  assert.equal((await (await ask(chat(""))).json()).choices[0].message.content, "t0 ");
  await control("POST", "/sim/reset");
  assert.equal((await (await ask(chat(""))).json()).usage.completion_tokens, 7);
});

test("tells a test's own mark back", async () => {
  await ask(chat("tag=mine-1"));
  await ask(chat(""));
  assert.deepEqual((await calls()).map((c) => c.tag), ["mine-1", ""]);
  assert.match(readFileSync(LOG, "utf8"), /"tag":"mine-1"/);
});

test("means one model, or one attempt", async () => {
  await script("status=500 for_model=bad");
  assert.equal((await ask(chat("", { model: "bad" }))).status, 500);
  assert.equal((await ask(chat(""))).status, 200);
  const body = chat("for_attempt=1 status=429");
  assert.equal((await ask(body, { "x-gsr-attempt": "req_1-1" })).status, 429);
  assert.equal((await ask(body, { "x-gsr-attempt": "req_1-2" })).status, 200);
});

test("breaks at any byte", async () => {
  const whole = (await wire(chat("tokens=2 close=1", { stream: true }))).text;
  for (let k = 0; k <= 700; k += 23) {
    const cut = await wire(chat(`tokens=2 cut_after=${k}b`, { stream: true }));
    assert.equal(cut.how, "fin");
    assert.equal(cut.text.length, k);
  }
  assert.ok(whole.length > 700);
});

test("breaks at a chunk: FIN, RST, silence", async () => {
  const count = (text) => text.split('"content":"t').length - 1;
  for (const [word, how] of [["cut_after=2", "fin"], ["reset_after=2c", "ECONNRESET"], ["stall_after=2", "open"]]) {
    const got = await wire(chat(`tokens=5 interval_ms=1 ${word}`, { stream: true }), { wait: 300 });
    assert.equal(got.how, how, word);
    assert.equal(count(got.text), 2, word);
  }
  assert.equal((await wire(chat("reset_after=0b"))).how, "ECONNRESET");
});

test("dies before it answers, or only on a used connection", async () => {
  assert.deepEqual(await wire(chat("die_before_answer=1")), { text: "", how: "fin" });
  const used = await wire(chat("die_on_reused=1"), { requests: 2 });
  assert.equal(used.how, "fin");
  assert.equal(used.text.split("HTTP/1.1 200").length - 1, 1);
});

test("talks garbage", async () => {
  assert.ok(!(await wire(chat("garbage=1"))).text.startsWith("HTTP"));
  assert.match((await wire(chat("garbage=chunk"))).text, /\r\nzz\r\n/);
  await assert.rejects(async () => (await ask(chat("garbage=json"))).json());
  assert.match((await ask(chat("garbage=html"))).headers.get("content-type"), /html/);
  assert.match((await ask(chat("garbage=sse", { stream: true }))).headers.get("content-type"), /event-stream/);
  assert.match((await wire(chat("garbage=utf8 close=1"))).text, /\xff\xc0\x80t0/);
  assert.match((await wire(chat("garbage=gzip close=1"))).text, /content-encoding: gzip/);
  assert.equal((await wire(chat("header_flood=900 close=1"))).text.split("x-flood-").length - 1, 900);
  assert.equal((await wire(chat("continue_flood=3 close=1"))).text.split("100 Continue").length - 1, 3);
});

test("ends a stream badly", async () => {
  const noDone = await events(await ask(chat("tokens=1 no_done=1", { stream: true })));
  assert.notEqual(noDone.at(-1), "[DONE]");
  const error = await events(await ask(chat("tokens=1 error_in_stream=1 body=overloaded", { stream: true })));
  assert.equal(JSON.parse(error.at(-1)).error.code, "server_is_overloaded");
});

test("sizes", async () => {
  const huge = await (await ask(chat("huge=3000000 tokens=1"))).json();
  assert.equal(huge.choices[0].message.content.length, 3000000);
  const sized = await events(await ask(chat("tokens=2 size=500", { stream: true })));
  assert.equal(JSON.parse(sized[1]).choices[0].delta.content.length, 500);
});

test("waits", async () => {
  const start = Date.now();
  await (await ask(chat("latency_ms=60 first_byte_ms=40"))).text();
  assert.ok(Date.now() - start >= 99);
  await (await ask(chat("tokens=5 interval_ms=20", { stream: true }))).text();
  assert.ok(Date.now() - start >= 199);
});

test("echoes what it got", async () => {
  const body = await (await ask(chat('echo=1', { x: 'a"b\\c' }), { "x-seen": "yes" })).json();
  assert.match(body.choices[0].message.content, /x-seen: yes/);
  assert.match(body.choices[0].message.content, /"x":"a\\"b\\\\c"/);
});

test("replays what is queued, before any script", async () => {
  await script("status=500");
  const queue = (query, body) => control("POST", `/sim/answers?${new URLSearchParams(query)}`, body);
  const stream = 'data: {"a":"\u00e9"}\n\ndata: [DONE]\n\n';
  await queue({ for_path: "/models" }, '{"data":[]}');
  await queue({ status: 418, header: "x-a:b" }, "short and stout");
  await queue({ type: "text/event-stream; charset=utf-8", split: 7 }, stream);
  await queue({ split: 5, cut_after: 2 }, "0123456789abcdef");
  await queue({ split: 5 }, "");
  const teapot = await ask(chat("statsu=1"));
  assert.deepEqual([teapot.status, teapot.headers.get("x-a"), await teapot.text()], [418, "b", "short and stout"]);
  const split = await wire(chat("", { stream: false }), { wait: 200 });
  assert.match(split.text, /\r\ncontent-type: text\/event-stream; charset=utf-8\r\ntransfer-encoding: chunked/);
  assert.equal(split.text.split("\r\n7\r\n").length - 1, Math.floor(Buffer.byteLength(stream) / 7));
  const cut = await wire(chat(""));
  assert.deepEqual([cut.how, cut.text.split("\r\n\r\n")[1]], ["fin", "5\r\n01234\r\n5\r\n56789\r\n"]);
  assert.equal(await (await ask(chat(""))).text(), "");
  assert.equal((await ask(chat(""))).status, 500);
  assert.deepEqual(await (await fetch(url("/v1/models?limit=1"))).json(), { data: [] });
  await queue({}, "{}");
  await control("POST", "/sim/reset");
  assert.equal((await (await ask(chat(""))).json()).object, "chat.completion");
});

test("queues no more than 256 answers, and only with words it knows", async () => {
  const queue = (query) => fetch(url(`/sim/answers?${query}`), { method: "POST", body: "x" });
  for (const query of ["statsu=1", "split=x", "split=", "type"]) assert.equal((await queue(query)).status, 400, query);
  for (let i = 0; i < 256; i++) assert.equal((await queue("")).status, 200);
  assert.match(await (await queue("")).text(), /too many/);
});

test("remembers its calls, and logs them as they come", async () => {
  await ask(chat("tokens=2", { stream: true }), { authorization: "Bearer k", "x-gsr-attempt": "req_9-1" }).then((a) => a.text());
  await ask(chat("body=key"));
  const [first, second] = await calls();
  assert.equal(first.attempt, "req_9-1");
  assert.equal(first.authorization, "Bearer k");
  assert.deepEqual([first.stream, first.status, first.chunks_sent, first.finished], [true, 200, 2, true]);
  assert.deepEqual([second.stream, second.status], [false, 401]);
  assert.equal(second.n, first.n + 1);
  assert.match(await control("GET", "/sim/calls/last/body"), /body=key/);
  assert.match(await control("GET", "/sim/calls/last/headers"), /^POST \/v1/);
  assert.equal(JSON.parse(await control("GET", "/sim/count")).calls, 2);
  const logged = readFileSync(LOG, "utf8").trim().split("\n").map((l) => JSON.parse(l));
  assert.equal(logged.at(-1).n, second.n);
});

test("remembers the bytes of the last 64 calls, and Anthropic's headers", async () => {
  await ask(chat("tag=first"), { "x-api-key": "k1", "anthropic-version": "2023-06-01", "anthropic-beta": "a,b" });
  await ask(chat(""), { "x-api-key": "k1", authorization: "Bearer k2" });
  const [first, second] = await calls();
  assert.deepEqual([first.authorization, first.anthropic_version, first.anthropic_beta], ["x-api-key k1", "2023-06-01", "a,b"]);
  assert.deepEqual([second.authorization, second.anthropic_version], ["Bearer k2", ""]);
  assert.match(await control("GET", `/sim/calls/${first.n}/body`), /tag=first/);
  assert.match(await control("GET", `/sim/calls/${first.n}/headers`), /^POST .*\r\n[^]*x-api-key: k1/);
  const big = await fetch(url("/v1/chat/completions"), { method: "POST", body: `{"x":"${"y".repeat(9 << 20)}"}` });
  await big.text();
  assert.ok((await control("GET", "/sim/calls/last/body")).length > 9 << 20);
  for (let i = 0; i < 62; i++) await ask(chat(""));
  const status = async (path) => (await fetch(url(path))).status;
  assert.equal(await status(`/sim/calls/${first.n}/body`), 404);
  assert.equal(await status(`/sim/calls/${second.n}/body`), 200);
  assert.equal(await status(`/sim/calls/${second.n + 1}/body`), 404);
  assert.equal(await status("/sim/calls/x/body"), 404);
  assert.equal(await status("/sim/calls//body"), 404);
});

test("notices that the client left, and stops at a slow reader", async () => {
  const leave = new AbortController();
  const answer = await fetch(url("/v1/chat/completions"), {
    method: "POST", signal: leave.signal, body: JSON.stringify(chat("endless=1 size=1000", { stream: true })),
  });
  await answer.body.getReader().read();
  await new Promise((ok) => setTimeout(ok, 100));
  const [before] = await calls();
  await new Promise((ok) => setTimeout(ok, 100));
  assert.equal((await calls())[0].chunks_sent, before.chunks_sent);
  leave.abort();
  await new Promise((ok) => setTimeout(ok, 50));
  const [call] = await calls();
  assert.deepEqual([call.finished, call.client_gone], [false, true]);
});

test("reads chunked requests, Expect, and broken ones", async () => {
  const json = JSON.stringify(chat("echo=1"));
  const parts = [json.slice(0, 10), json.slice(10)].map((p) => `${p.length.toString(16)}\r\n${p}\r\n`);
  const text = await new Promise((ok) => {
    let got = "";
    const socket = net.connect(port, "127.0.0.1");
    socket.write("POST /v1/chat/completions HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
    socket.once("data", async () => {
      for (const piece of [parts[0].slice(0, 1), parts[0].slice(1), parts[1], "0\r", "\n\r\n"]) {
        socket.write(piece);
        await new Promise((next) => setTimeout(next, 5));
      }
    });
    socket.on("data", (d) => (got += d)).on("end", () => ok(got));
  });
  assert.match(text, /^HTTP\/1.1 100 Continue/);
  assert.match(text, /\\"model\\":\\"m\\"/);
  const bad = await new Promise((ok) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write("nonsense\r\n\r\n"));
    socket.once("data", (d) => { socket.destroy(); ok(d.toString()); });
  });
  assert.match(bad, /^HTTP\/1.1 400/);
});
