// The HTTP edge: what is not a request, what is too much of one, and fields
// that would divert it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { mesh, open, speak, statuses, story, until } from "./lab.mjs";

const lab = await mesh({ node: { max_body: "64KiB", body_memory: "1MiB" }, model: { max_output: 500 } });
const { node, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });

const SENTINEL = "GET /healthz HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n";
const CASES = JSON.parse(readFileSync(new URL("../golden/http/framing.json", import.meta.url), "utf8"));

const bytesOf = (one) => one.send.map((piece) => (typeof piece === "string" ? piece : piece.repeat.repeat(piece.times))).join("");

story("nothing that others would frame differently is two requests here", async () => {
  const wrong = [];
  const tell = async (one) => {
    const { bytes, how } = await speak(node.port, Buffer.from(bytesOf(one) + (one.open ? SENTINEL : ""), "latin1"));
    // The HTTP library writes the head of its own refusals twice.
    const got = one.by === "library" ? [...new Set(statuses(bytes))] : statuses(bytes);
    const most = Math.max(1, one.requests + (one.open ? 1 : 0));
    const refusal = one.requests > 0 || (got[0] ?? 0) === one.status;
    if (!refusal || got.length > most || how === "open") wrong.push({ name: one.name, got, how, status: one.status, most });
  };
  // One waits for a body until its deadline; the unit test has that.
  const cases = CASES.filter((one) => one.status !== 408);
  for (let i = 0; i < cases.length; i += 24) await Promise.all(cases.slice(i, i + 24).map(tell));
  assert.deepEqual(wrong, []);
  assert.ok(cases.length > 100);
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
});

story("a request hidden behind another is never made", async () => {
  const hidden = provider.says();
  const body = JSON.stringify(app.body(hidden));
  const start = `POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${app.token}\r\n`;
  const smuggled = `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
  const heads = [
    `Content-Length: ${smuggled.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n`,
    `Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    `X: a\r\n Content-Length: 3\r\n\r\n`,
  ];
  for (const head of heads) {
    const { bytes, how } = await speak(node.port, start + head + smuggled);
    assert.deepEqual([statuses(bytes), how], [[400], "fin"], head);
  }
  assert.equal((await provider.calls(hidden)).length, 0);
});

story("too much of anything is refused with its own status, and without a call", async () => {
  const words = provider.says();
  const large = await app.post(app.body({ text: `${words.text}${"x".repeat(70_000)}` }));
  assert.equal(large.status, 413);
  assert.equal(large.json.error.code, "request_too_large");
  assert.equal(large.headers.get("x-router-error"), "request-too-large");
  const zipped = await app.post(app.body(words), { "content-encoding": "gzip" });
  assert.equal(zipped.status, 415);
  const head = (fields) => `GET /v1/models HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  assert.deepEqual(statuses((await speak(node.port, head(`X: ${"y".repeat(20_000)}\r\n`))).bytes), [431]);
  assert.deepEqual(statuses((await speak(node.port, head("X: y\r\n".repeat(100)))).bytes), [431]);
  assert.deepEqual(statuses((await speak(node.port, `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).bytes), [414]);
  assert.equal((await provider.calls(words)).length, 0);
});

story("a body that is no chat request is told what is wrong with it", async () => {
  const user = [{ role: "user", content: "hi" }];
  const bodies = [
    ["", /JSON/], ["{", /JSON/], ["[]", /JSON/], ["nonsense", /JSON/], ['{"model":"assistant"} x', /JSON/],
    [{ messages: user }, /model/], [{ model: 7, messages: user }, /model/],
    [{ model: "assistant", messages: user, stream: "yes" }, /stream/],
    [`{"model":"assistant","messages":[],"x":${"[".repeat(400)}${"]".repeat(400)}}`, /JSON/],
    ['{"model":"assistant","messages":[],"x":"\u0000"}', /JSON/],
    [Buffer.from('{"model":"assistant","messages":[],"x":"\xff"}', "latin1"), /JSON/],
  ];
  for (const [body, reason] of bodies) {
    const answer = await app.post(body);
    assert.equal(answer.status, 400, String(body));
    assert.equal(answer.json.error.type, "invalid_request_error");
    assert.equal(answer.headers.get("x-router-error"), "invalid-request");
    assert.match(answer.json.error.message, reason);
    const { request } = await node.explain(answer.headers.get("x-request-id"));
    assert.deepEqual([request.status, request.fail, request.caller], [400, "invalid-request", "app"]);
  }
});

story("two models in one body are refused, however they are spelt", async () => {
  for (const second of ['"model":"own"', '"mod\\u0065l":"own"']) {
    const words = provider.says();
    const answer = await app.post(`{"model":"assistant",${second},"messages":[{"role":"user","content":"${words.text}"}]}`);
    assert.equal(answer.status, 400, second);
    assert.equal((await provider.calls(words)).length, 0);
  }
});

story("fields that would divert a call change nothing of where it goes", async () => {
  const words = provider.says("tokens=1");
  const answer = await app.post({
    ...app.body(words), base_url: "http://127.0.0.1:1/", api_base: "http://127.0.0.1:1/", api_key: "sk-mine",
    headers: { authorization: "Bearer sk-mine" }, extra_headers: { host: "elsewhere" }, custom_llm_provider: "x",
  }, { "x-api-base": "http://127.0.0.1:1", host: "elsewhere.example", "openai-organization": "org-mine", cookie: "a=b" });
  assert.equal(answer.status, 200);
  const call = await provider.callOf(words);
  assert.deepEqual([call.path, call.model, call.authorization],
    ["/v1/chat/completions", "gpt-5-mini", `Bearer ${lab.keys.openai}`]);
  const headers = await provider.lastHeaders();
  assert.doesNotMatch(headers, /sk-mine|elsewhere|org-mine|cookie|x-api-base/i);
  assert.match(headers, new RegExp(`host: 127.0.0.1:${provider.port}`, "i"));
});

story("what the router does not own goes on byte for byte", async () => {
  const words = provider.says();
  const odd = '"seed":12345678901234567890123,"t":1.0,"u":1e400,"user":"\\ud83d","metadata":{"a": [1,  2]},"x_unknown":null';
  const answer = await app.post(`{"model": "assistant" , "messages":[{"role":"user","content":"${words.text}"}],${odd}}`);
  assert.equal(answer.status, 200);
  const body = await provider.lastBody();
  assert.ok(body.includes(odd), body);
  assert.match(body, /"model": "gpt-5-mini" ,/);
});

story("the output cap is the catalog's when the caller wants more, or nothing", async () => {
  const caps = [
    [{}, 500], [{ max_completion_tokens: 9000 }, 500], [{ max_completion_tokens: 20 }, 20], [{ max_tokens: 9000 }, 500],
  ];
  for (const [asked, sent] of caps) {
    const words = provider.says("tokens=1");
    await app.ask(words, asked);
    const body = JSON.parse(await provider.lastBody());
    assert.equal(body.max_completion_tokens ?? body.max_tokens, sent, JSON.stringify(asked));
  }
});

story("paths and methods that are none are told in the dialect's words", async () => {
  const lost = await app.post({}, {}, "/v1/nowhere");
  assert.deepEqual([lost.status, lost.json.error.type], [404, "invalid_request_error"]);
  const wrong = await fetch(`${node.url}/v1/chat/completions`);
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get("x-router-error"), "method-not-allowed");
  assert.equal((await wrong.json()).error.type, "invalid_request_error");
  assert.equal((await app.post(app.body(provider.says()), {}, "/openai/v1/chat/completions")).status, 200);
});

story("bodies of all requests at once are bounded: some wait outside with a 503", async () => {
  const body = JSON.stringify(app.body({ text: `${"x".repeat(60_000)}[[sim latency_ms=2000]]` }));
  const answers = await Promise.all(Array.from({ length: 40 }, () => app.post(body)));
  const kinds = new Set(answers.map((answer) => answer.status));
  assert.deepEqual([...kinds].sort(), [200, 503]);
  const refused = answers.find((answer) => answer.status === 503);
  assert.match(refused.headers.get("x-router-error"), /overloaded/);
  const later = await until("there is room again", async () => (await app.post(app.body(provider.says()))).status === 200);
  assert.ok(later);
});

story("half-sent heads do not keep others out", async () => {
  const halves = Array.from({ length: 400 }, () =>
    open(node.port, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-Slow:"));
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  for (const socket of halves) socket.destroy();
});
