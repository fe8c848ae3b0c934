// Callers of three dialects, targets of three dialects: paths, shapes, rows,
// and what is told of a failure, before the answer and in it.
import assert from "node:assert/strict";

import { events, Fresh, mesh, numbered, saying, SPEECH, story } from "./lab.mjs";

const TARGETS = ["chat", "responses", "messages"];
const PRICE = { input: 1, cached_input: 0.1, cache_write_5m: 1.25, cache_write_1h: 2, output: 8 };
const model = { price: PRICE, max_output: 4096, supports: ["tools", "images", "documents", "json_schema"] };

// Failures of each target, which is then left alone for a while.
const FAILURES = 60;

const lab = await mesh({
  teams: ["payments", "research"],
  team: (name) => (name === "research" ? { allow: ["service_tier"] } : {}),
  grants: TARGETS.map((name) => `${name}/*`),
  groups: Object.assign({}, ...TARGETS.map((name) => ({
    [name]: { strategy: "static", targets: [`${name}/m`], drop: ["hints"], aliases: [`${name}-alias`], display_name: `The ${name} one` },
    ...numbered(FAILURES, `fresh-${name}`, (n) => ({ strategy: "static", targets: [`${name}/m-${n}`] })),
  }))),
  providers: ({ url }) => {
    const at = (type, dialects) => ({ type, base_url: url, api_key: "secret/openai", dialects, models: { m: model, ...numbered(FAILURES, "m", () => model) } });
    return { chat: at("openai", ["chat"]), responses: at("openai", ["responses"]), messages: at("anthropic", ["messages"]) };
  },
});
const { node, provider } = lab;
const app = await node.caller("app", { groups: TARGETS });
const fresh = Object.fromEntries(TARGETS.map((name) => [name, new Fresh(node, `fresh-${name}`, FAILURES)]));
const rich = await lab.nodes.research.caller("rich", { groups: TARGETS });

const PAIRS = Object.keys(SPEECH).flatMap((asks) => TARGETS.map((target) => [asks, target]));

const ask = (asks, group, prompt, more, { caller = app, path } = {}) => saying(caller, asks, group, prompt, more, path);

const get = (path, headers = {}, method = "GET", from = node) => fetch(from.url + path, { method, headers });

story("every dialect is answered by every target, whole and as a stream", async () => {
  for (const [asks, target] of PAIRS)
    for (const stream of [false, true]) {
      const words = provider.says("tokens=4 prompt=50 completion=9 cached=10 cache_write=5 reasoning=2");
      const answer = await ask(asks, target, words, { stream });
      const what = `${asks} to ${target}, stream ${stream}: ${answer.text}`;
      assert.equal(answer.status, 200, what);
      assert.equal(answer.said, "t0 t1 t2 t3 ", what);
      if (stream) assert.deepEqual([answer.ended, answer.failed, SPEECH[asks].ends(answer.last)], [1, 0, true], what);
      assert.match((await provider.callOf(words)).path, new RegExp(`${SPEECH[target].path.slice(3)}$`), what);
      const { request, attempts } = await node.explain(answer.id);
      assert.deepEqual(
        [request.dialect, attempts[0].dialect, request.operation, request.dropped, request.fail],
        [asks, target, "generate", "", ""], what);
      assert.deepEqual(
        [request.input_tokens, request.cache_read_tokens, request.cache_write_tokens, request.output_tokens, request.reasoning_tokens],
        [35, 10, 5, ...(target === "messages" ? [9, 0] : [7, 2])], what);
      assert.ok(request.estimated_tokens > 0, what);
      assert.equal(request.cost_microusd, Math.floor(35 * 1 + 10 * 0.1 + 5 * 1.25 + 9 * 8 + 0.5), what);
    }
});

story("what is written to a cache for an hour has its own column and price", async () => {
  for (const asks of Object.keys(SPEECH)) {
    const answer = await ask(asks, "messages", provider.says("tokens=1 prompt=100 completion=10 cache_write=20 cache_write_1h=30"));
    assert.equal(answer.status, 200, answer.text);
    const { request } = await node.explain(answer.id);
    assert.deepEqual([request.input_tokens, request.cache_write_tokens, request.cache_write_1h_tokens], [50, 20, 30], asks);
    assert.equal(request.cost_microusd, 50 + 25 + 60 + 80, asks);
  }
});

story("paths may begin with their vendor's name", async () => {
  const ways = [["chat", "/openai/v1/chat/completions"], ["responses", "/openai/v1/responses"], ["messages", "/anthropic/v1/messages"],
    ["messages", "/v1/messages?beta=true"]];
  for (const [asks, path] of ways)
    assert.equal((await ask(asks, "chat", provider.says("tokens=1"), {}, { path })).said, "t0 ", path);
  for (const path of ["/openai/v1", "/openai/healthz", "/azure/v1/models", "/anthropic/v1x/messages"])
    assert.equal((await get(path)).status, 404, path);
});

story("probes are answered to anybody", async () => {
  for (const method of ["GET", "HEAD"]) {
    const answer = await get("/api/hello", {}, method);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), method === "GET" ? "hello\n" : "");
  }
});

story("a WebSocket is refused with the status that clients go on from", async () => {
  // fetch sends no Upgrade: what is sent here is what such a client writes.
  const { connect } = await import("node:net");
  for (const path of ["/v1/responses", "/openai/v1/responses"]) {
    const socket = connect(node.port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nhost: n\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nauthorization: Bearer ${app.token}\r\n\r\n`);
    const head = await new Promise((resolve) => socket.once("data", (bytes) => resolve(bytes.toString())));
    socket.destroy();
    assert.match(head, /^HTTP\/1\.1 426 /, path);
  }
  assert.equal((await get("/v1/responses", { authorization: `Bearer ${app.token}` })).status, 405);
});

story("either credential opens every path", async () => {
  const paths = [["chat", "/v1/chat/completions"], ["responses", "/v1/responses"], ["messages", "/v1/messages"], ["messages", "/v1/messages/count_tokens"]];
  for (const [asks, path] of paths)
    for (const [headers, status] of [[{ "x-api-key": app.token }, 200], [{ authorization: `Bearer ${app.token}` }, 200],
      [{ "x-api-key": "gsr_wrong" }, 401], [{}, 401]]) {
      const answer = await fetch(node.url + path, {
        method: "POST", headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(SPEECH[asks].body("chat", provider.says("tokens=1").text)),
      });
      const text = await answer.text();
      assert.equal(answer.status, status, `${path} ${Object.keys(headers)}: ${text}`);
      if (status === 401) SPEECH[asks].shape(JSON.parse(text));
    }
  for (const headers of [{ "x-api-key": app.token }, { authorization: `Bearer ${app.token}` }])
    assert.equal((await get("/v1/models", headers)).status, 200);
  assert.equal((await get("/v1/models")).status, 401);
});

story("an error has the shape of its path", async () => {
  const ways = [["/v1/messages", "GET", 405, "messages"], ["/v1/messages/nothing", "POST", 404, "messages"],
    ["/anthropic/v1/nothing", "GET", 404, "messages"], ["/v1/chat/completions", "GET", 405, "chat"], ["/v1/nothing", "GET", 404, "chat"],
    ["/openai/v1/nothing", "GET", 404, "chat"], ["/v1/responses", "DELETE", 405, "responses"]];
  for (const [path, method, status, shape] of ways) {
    const answer = await get(path, { authorization: `Bearer ${app.token}` }, method);
    const text = await answer.text();
    assert.equal(answer.status, status, path);
    SPEECH[shape].shape(JSON.parse(text));
  }
  for (const asks of Object.keys(SPEECH)) {
    const { path, shape } = SPEECH[asks];
    for (const [body, status] of [["{", 400], ["{\"model\":\"chat\"}", 400]]) {
      const answer = await app.post(body, {}, path);
      assert.equal(answer.status, status, answer.text);
      shape(answer.json);
    }
    const unknown = await ask(asks, "nobody", "hi");
    assert.equal(unknown.status, 404, unknown.text);
    shape(unknown.json);
  }
});

story("models are listed in the shape that is asked for", async () => {
  const auth = { authorization: `Bearer ${app.token}` };
  const names = TARGETS.flatMap((name) => [name, `${name}-alias`]).sort();
  const openai = await (await get("/v1/models", auth)).json();
  assert.deepEqual(openai.data.map(({ id }) => id).sort(), names);
  assert.ok(openai.data.every((one) => one.object === "model" && one.owned_by === "payments" && one.display_name.startsWith("The ")));
  const anthropic = { ...auth, "anthropic-version": "2023-06-01" };
  const all = await (await get("/v1/models?limit=1000", anthropic)).json();
  assert.deepEqual(all.data.map(({ id }) => id).sort(), names);
  assert.ok(all.data.every((one) => one.type === "model" && one.display_name.startsWith("The ") && one.created_at));
  assert.deepEqual([all.has_more, all.first_id, all.last_id], [false, all.data[0].id, all.data.at(-1).id]);
  const ids = [];
  for (let page = { has_more: true }, after = ""; page.has_more; after = `&after_id=${page.last_id}`) {
    page = await (await get(`/anthropic/v1/models?limit=4${after}`, auth)).json();
    ids.push(...page.data.map(({ id }) => id));
  }
  assert.deepEqual(ids, all.data.map(({ id }) => id));
  assert.equal((await (await get("/v1/models/chat-alias", auth)).json()).id, "chat-alias");
  assert.equal((await (await get("/v1/models/chat", anthropic)).json()).display_name, "The chat one");
  for (const [headers, shape] of [[auth, "chat"], [anthropic, "messages"]]) {
    const none = await get("/v1/models/nobody", headers);
    assert.equal(none.status, 404);
    SPEECH[shape].shape(await none.json());
  }
});

story("an alias is its group", async () => {
  const answer = await ask("chat", "messages-alias", provider.says("tokens=2"));
  assert.equal(answer.said, "t0 t1 ");
  assert.equal((await node.explain(answer.id)).request.group, "messages");
});

story("tokens are counted by who can, and else estimated", async () => {
  const body = { model: "messages", messages: [{ role: "user", content: provider.says("prompt=77").text }] };
  const counted = await app.post(body, {}, "/v1/messages/count_tokens");
  assert.deepEqual([counted.status, counted.json, counted.headers.get("x-router-estimate")], [200, { input_tokens: 77 }, null]);
  const row = (await node.explain(counted.headers.get("x-request-id"))).request;
  assert.deepEqual([row.operation, row.fail, row.cost_microusd, row.output_tokens], ["count", "", 0, 0]);
  for (const group of ["chat", "responses"]) {
    const guess = await app.post({ ...body, model: group }, {}, "/v1/messages/count_tokens");
    assert.deepEqual([guess.status, guess.headers.get("x-router-estimate")], [200, "true"], guess.text);
    assert.ok(guess.json.input_tokens > 0);
    const { request } = await node.explain(guess.headers.get("x-request-id"));
    assert.deepEqual([request.operation, request.attempts, request.cost_microusd, request.fail], ["count", 0, 0, ""]);
    assert.equal(request.estimated_tokens, guess.json.input_tokens);
  }
});

story("estimates are counted beside what providers said", async () => {
  const before = await node.counters();
  await ask("chat", "chat", provider.says("prompt=40"));
  const after = await node.counters();
  assert.ok(after.gsr_estimated_input_tokens_total > (before.gsr_estimated_input_tokens_total ?? 0), JSON.stringify(after));
});

story("a Responses body on Chat's path is answered as a chat", async () => {
  for (const target of TARGETS)
    for (const stream of [false, true]) {
      const words = provider.says("tokens=2");
      const answer = await app.post({ model: target, input: [{ role: "user", content: words.text }], stream });
      assert.equal(answer.status, 200, answer.text);
      const said = stream ? events(answer.text).map(SPEECH.chat.delta).join("") : answer.json.choices[0].message.content;
      assert.equal(said, "t0 t1 ", target);
      const { request, attempts } = await node.explain(answer.headers.get("x-request-id"));
      assert.equal(attempts[0].dialect, target);
      assert.equal(request.fail, "");
    }
});

story("what a target cannot be told is named, or refused", async () => {
  const named = await ask("chat", "messages", provider.says("tokens=1"), { verbosity: "low", metadata: { a: "b" } });
  assert.equal(named.status, 200, named.text);
  assert.equal(named.headers.get("x-router-dropped"), "metadata, verbosity");
  assert.equal((await node.explain(named.id)).request.dropped, "metadata, verbosity");
  const refused = await ask("chat", "messages", provider.says(), { seed: 1 });
  assert.ok(refused.status >= 400 && /seed/.test(refused.json.error.message), refused.text);
  assert.equal((await node.explain(refused.id)).request.attempts, 0);
});

story("a dearer tier is asked for by leave of the team alone", async () => {
  for (const asks of ["chat", "responses"]) {
    const refused = await ask(asks, "chat", provider.says("tokens=1"), { service_tier: "priority" });
    assert.equal(refused.status, 400, refused.text);
    assert.match(refused.json.error.message, /service_tier "priority" changes the price.*allow: \[service_tier\]/);
    for (const target of ["chat", "responses"]) {
      const words = provider.says("tokens=1");
      const passed = await ask(asks, target, words, { service_tier: "priority" }, { caller: rich });
      assert.equal(passed.status, 200, passed.text);
      const call = await provider.callOf(words);
      const sent = JSON.parse(await provider.ask(`calls/${call.n}/body`));
      // A provider that refuses unknown fields gets no more than all know.
      if (asks === target || target === "responses") assert.equal(sent.service_tier, "priority", `${asks} to ${target}`);
    }
  }
});

async function askFresh(asks, target, prompt, more) {
  const caller = await fresh[target].take();
  return ask(asks, caller.model, prompt, more, { caller });
}

story("a refusal before the answer has the caller's status, shape and words", async () => {
  const ways = [["status=429 body=rate retry_after=3", 503, 429], ["status=500 body=server", 502, 500], ["status=400 body=invalid", 400, 400],
    ["die_before_answer=1", 502, 500], ["garbage=json", 502, 500]];
  for (const [asks, target] of PAIRS)
    for (const stream of [false, true])
      for (const [script, openai, anthropic] of ways) {
        if (stream && script === "garbage=json") continue; // that word spoils whole answers
        const answer = await askFresh(asks, target, provider.says(script), { stream });
        const what = `${asks} to ${target}, stream ${stream}, ${script}: ${answer.text}`;
        assert.equal(answer.status, asks === "messages" ? anthropic : openai, what);
        assert.ok(answer.json, what);
        SPEECH[asks].shape(answer.json);
        assert.equal((await node.explain(answer.id)).request.status, answer.status, what);
      }
});

story("a failure before the first word is no stream, after it the stream's last event", async () => {
  for (const [asks, target] of PAIRS) {
    const early = await askFresh(asks, target, provider.says("tokens=0 error_in_stream=1 body=server"), { stream: true });
    assert.ok(early.status >= 500, `${asks} to ${target}: ${early.text}`);
    SPEECH[asks].shape(early.json);
    const late = await askFresh(asks, target, provider.says("tokens=3 error_in_stream=1 body=overloaded"), { stream: true });
    const what = `${asks} to ${target}: ${late.text}`;
    assert.equal(late.status, 200, what);
    assert.equal(late.said, "t0 t1 t2 ", what);
    assert.equal(late.failed, 1, what);
    assert.ok(SPEECH[asks].fails(late.last), what);
    assert.equal(late.events.filter((event) => event.name && SPEECH[asks].ends(event)).length, 0, what);
    const { request } = await node.explain(late.id);
    assert.notEqual(request.fail, "", what);
    assert.ok(request.status >= 500, what);
  }
});

story("an answer that is cut is never complete", async () => {
  const cuts = ["cut_after=2", "reset_after=2", "cut_after=900b", "no_done=1", "no_done=2"];
  for (const [asks, target] of PAIRS)
    for (const script of cuts) {
      const answer = await askFresh(asks, target, provider.says(`tokens=6 ${script}`), { stream: true });
      const what = `${asks} to ${target}, ${script}: ${answer.text}`;
      const { request } = await node.explain(answer.id);
      // Chat alone may leave its marker out, when it said why it finished.
      if (target === "chat" && script.startsWith("no_done")) {
        assert.deepEqual([answer.said, answer.ended, request.fail], ["t0 t1 t2 t3 t4 t5 ", 1, ""], what);
        continue;
      }
      assert.notEqual(request.fail, "", what);
      if (answer.status !== 200) {
        SPEECH[asks].shape(answer.json);
        continue;
      }
      assert.ok(SPEECH[asks].fails(answer.last), what);
      assert.equal(answer.failed, 1, what);
      assert.equal(answer.ended, 0, what);
    }
});

story("whole answers that are cut are errors", async () => {
  for (const [asks, target] of PAIRS) {
    const answer = await askFresh(asks, target, provider.says("tokens=9 cut_after=300b"));
    assert.equal(answer.status, asks === "messages" ? 500 : 502, `${asks} to ${target}: ${answer.text}`);
    SPEECH[asks].shape(answer.json);
  }
});
