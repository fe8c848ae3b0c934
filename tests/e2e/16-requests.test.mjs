// A caller looks at its own request, and at no other's.
import assert from "node:assert/strict";

import { Caller, costOf, mesh, PRICE, story, until } from "./lab.mjs";

const lab = await mesh();
const { node, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const other = await node.caller("other", { groups: ["assistant"] });

async function look(caller, id, { method = "GET", headers = {} } = {}) {
  const answer = await fetch(`${node.url}/v1/requests/${id}`, {
    method, headers: { ...(caller && { authorization: `Bearer ${caller.token}` }), ...headers },
  });
  const text = await answer.text();
  return { status: answer.status, router: answer.headers.get("x-router-error"), text, json: text && JSON.parse(text) };
}

// A request, as its caller sees it and as the operator does.
async function both(caller, id) {
  const { status, json } = await look(caller, id);
  assert.equal(status, 200);
  return { seen: json, kept: await node.explain(id) };
}

story("what a caller sees is what was counted", async () => {
  const answer = await app.ask(provider.says("tokens=3 prompt=40 completion=9 cached=8 reasoning=5"));
  const { seen, kept } = await both(app, answer.id);
  assert.deepEqual([seen.id, seen.object, seen.state, seen.group, seen.strategy, seen.target, seen.status, seen.error],
    [answer.id, "router.request", "settled", "assistant", "static", "openai/gpt-5-mini", 200, null]);
  assert.deepEqual(seen.tokens,
    { input: 32, cache_read: 8, cache_write: 0, cache_write_1h: 0, output: 4, reasoning: 5, source: "provider" });
  assert.equal(seen.cost_usd, (costOf(answer.usage, PRICE) / 1e6).toFixed(6));
  assert.equal(seen.received_at, kept.request.received_at);
  const [attempt, ...rest] = seen.attempts;
  assert.equal(rest.length, 0);
  assert.deepEqual([attempt.number, attempt.state, attempt.target, attempt.status, attempt.error, attempt.class, attempt.again],
    [1, "settled", "openai/gpt-5-mini", 200, null, null, false]);
  assert.equal(attempt.started_at, kept.attempts[0].started_at);
  assert.equal(attempt.total_ms, Math.ceil(kept.attempts[0].total_us / 1000));
  assert.equal(seen.routing === null, kept.decision === null);
});

story("it has no content and no more members than are promised", async () => {
  const words = provider.says("tokens=2");
  const { id } = await app.ask(words);
  const { text, json } = await look(app, id);
  assert.ok(!text.includes(words.text) && !text.includes("t0 t1"));
  assert.deepEqual(Object.keys(json), ["id", "object", "state", "received_at", "group", "strategy", "target", "status", "error",
    "tokens", "cost_usd", "attempts", "routing"]);
});

story("a request under way can be looked at on any worker", async () => {
  const stream = app.stream(provider.says("tokens=60 interval_ms=50"));
  await stream.heard(2);
  // At once, so that connections on both workers are used.
  const looks = await Promise.all(Array.from({ length: 16 }, () => look(app, stream.id)));
  for (const { status, json } of looks)
    assert.deepEqual([status, json.state, json.status, json.attempts.map((a) => a.state)], [200, "open", null, ["open"]]);
  await stream.hangUp();
  const over = await until("it is settled", async () => {
    const { json } = await look(app, stream.id);
    return json.state === "settled" && json;
  });
  assert.deepEqual([over.status, over.error], [499, "client-gone"]);
});

story("one that was refused says why", async () => {
  const { id } = await new Caller(node, app.token, "nothing").refused();
  const { seen } = await both(app, id);
  assert.deepEqual([seen.status, seen.error, seen.group, seen.target, seen.attempts, seen.routing],
    [404, "unknown-group", "nothing", null, [], null]);
});

story("only the token that asked can see it", async () => {
  const { id } = await app.ask(provider.says());
  for (const [caller, wanted] of [[other, id], [app, `req_${"0".repeat(26)}`], [app, id.slice(4)], [app, `${id}0`],
    [app, "req_"], [app, "..%2f..%2fmodels"]]) {
    const answer = await look(caller, wanted);
    assert.deepEqual([answer.status, answer.router], [404, "unknown-request"], wanted);
    assert.match(answer.json.error.message, /only the token that asked/);
  }
  const stranger = await look(null, id);
  assert.deepEqual([stranger.status, stranger.router], [401, "unauthorized"]);
});

story("who gets a revoked token's name does not get its requests", async () => {
  const first = await node.caller("shared", { groups: ["own"] });
  const { id } = await first.ask(provider.says());
  assert.equal((await look(first, id)).status, 200);
  await node.says("token", "revoke", "shared");
  assert.equal((await look(first, id)).status, 403);
  const second = await node.caller("shared", { groups: ["own"] });
  assert.equal((await look(second, id)).status, 404);
});

story("the path behaves like the others", async () => {
  const { id } = await app.ask(provider.says());
  const head = await look(app, id, { method: "HEAD" });
  assert.deepEqual([head.status, head.text], [200, ""]);
  for (const method of ["POST", "DELETE", "OPTIONS"])
    assert.equal((await look(app, id, { method })).router, "method-not-allowed", method);
  const shaped = await look(other, id, { headers: { "anthropic-version": "2023-06-01" } });
  assert.deepEqual([shaped.status, shaped.json.type, shaped.json.error.type], [404, "error", "not_found_error"]);
});
