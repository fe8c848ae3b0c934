// One request crosses the mesh, is counted alike by all, and who may not ask
// is told why.
import assert from "node:assert/strict";

import { Caller, costOf, mesh, OWN_PRICE, PRICE, story, until } from "./lab.mjs";

const lab = await mesh();
const { egress, node, provider } = lab;
const app = await node.caller("app", {
  groups: ["assistant", "own"], more: ["--user", "ada", "--project", "checkout"],
});
const own = new Caller(node, app.token, "own");

const WAYS = [[app, "through the egress", PRICE, "gpt-5-mini"], [own, "to the team's own upstream", OWN_PRICE, "gpt-oss"]];

for (const [caller, way, price, model] of WAYS)
  story(`a request goes ${way} and is counted to the token`, async () => {
    const words = provider.says("tokens=3 prompt=40 completion=9 cached=8 reasoning=5");
    const answer = await caller.ask(words);
    assert.equal(answer.text, "t0 t1 t2 ");
    assert.match(answer.id, /^req_[0-9a-hjkmnp-tv-z]{26}$/);
    assert.equal(answer.usage.total_tokens, 49);

    const call = await provider.callOf(words);
    assert.equal(call.model, model);
    assert.equal(call.path, "/v1/chat/completions");
    assert.equal(call.authorization, `Bearer ${caller === app ? lab.keys.openai : lab.keys.own}`);

    const { request: row, attempts } = await node.explain(answer.id);
    assert.deepEqual(
      [row.state, row.status, row.fail, row.caller, row.user, row.project, row.group, row.attempts, row.stream],
      ["settled", 200, "", "app", "ada", "checkout", caller.model, 1, false]);
    assert.deepEqual(
      [row.input_tokens, row.cache_read_tokens, row.output_tokens, row.reasoning_tokens, row.usage_source],
      [32, 8, 4, 5, "provider"]);
    assert.equal(row.cost_microusd, costOf(answer.usage, price));
    assert.equal(row.topology, (await node.version()).topology);
    assert.equal(attempts.length, 1);
    assert.equal(attempts[0].status, 200);
  });

story("node, receipt and egress hold the same figures", async () => {
  const { id } = await app.ask(provider.says("prompt=1000 completion=300 cached=100 reasoning=40"));
  const mine = await node.explain(id);
  const theirs = await egress.explain(id);
  const [attempt, receipt, call] = [mine.attempts[0], mine.receipts[0], theirs.attempts[0]];
  for (const column of ["target", "status", "fail", "input_tokens", "cache_read_tokens", "output_tokens",
    "reasoning_tokens", "usage_source", "price_book", "cost_microusd", "answer_hash"]) {
    assert.deepEqual(receipt[column], attempt[column], column);
    assert.deepEqual(call[column], attempt[column], column);
  }
  assert.equal(attempt.receipt, "verified");
  assert.equal(receipt.origin, "payments");
  assert.equal(mine.request.path, "payments>central");
  assert.equal(mine.request.egress, "central");
  assert.equal(call.origin, "payments");
  assert.equal(call.team, "payments");
  assert.notEqual(call.caller, "app", "an egress knows callers by pseudonym");
});

story("receipts verify from the egress's public key alone", async () => {
  await app.ask(provider.says());
  const { code, out } = await until("receipts are stored", async () => {
    const done = await node.verify();
    return done.code === 0 && done;
  });
  const audit = JSON.parse(out);
  assert.equal(code, 0);
  assert.ok(audit.checked > 0);
  assert.equal(audit.good, audit.checked);
});

story("the caller's own id is kept beside ours", async () => {
  const { id } = await app.ask(provider.says(), {}, { "x-request-id": "order-77/a" });
  assert.match(id, /^req_/);
  assert.equal((await node.explain(id)).request.client_id, "order-77/a");
  const odd = await app.ask(provider.says(), {}, { "x-request-id": 'a"b' });
  assert.equal((await node.explain(odd.id)).request.client_id, "");
});

story("models are the groups of the token, no more", async () => {
  assert.deepEqual(await app.models(), ["assistant", "own"]);
  const narrow = await node.caller("narrow", { groups: ["own"] });
  assert.deepEqual(await narrow.models(), ["own"]);
});

story("nobody without a token, and none that is not known", async () => {
  for (const token of ["gsr_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "nonsense", app.token.slice(0, -1), `${app.token}A`]) {
    const error = await new Caller(node, token, "assistant").refused(provider.says());
    assert.equal(error.status, 401, token);
    assert.equal(error.code, "invalid_api_key");
    assert.equal(error.router, "unauthorized");
  }
  const words = provider.says();
  const bare = await app.post(app.body(words), { authorization: "" });
  assert.equal(bare.status, 401);
  assert.equal((await provider.calls(words)).length, 0);
});

story("a group that is not there, and one that is not this token's", async () => {
  const unknown = await new Caller(node, app.token, "assistent").refused();
  assert.deepEqual([unknown.status, unknown.code, unknown.router], [404, "model_not_found", "unknown-group"]);
  const narrow = await node.caller("other", { groups: ["own"], model: "assistant" });
  const words = provider.says();
  const denied = await narrow.refused(words);
  assert.deepEqual([denied.status, denied.router], [403, "group-not-allowed"]);
  assert.equal((await provider.calls(words)).length, 0);
  const { request } = await node.explain(denied.id);
  assert.deepEqual([request.status, request.fail, request.caller, request.attempts, request.cost_microusd],
    [403, "group-not-allowed", "other", 0, 0]);
  assert.equal((await node.explain(unknown.id)).request.fail, "unknown-group");
});

story("a token of an unknown group is not made", async () => {
  const { code, err } = await node.tries("token", "create", "typo", "--groups", "assistent");
  assert.notEqual(code, 0);
  assert.match(err, /assistant/);
});

story("an expired token is refused", async () => {
  const brief = await node.caller("brief", { groups: ["own"], more: ["--expires", "1s"] });
  const error = await until("it expires", () => brief.refused().catch(() => null));
  assert.deepEqual([error.status, error.router], [403, "token-expired"]);
  assert.equal((await node.explain(error.id)).request.fail, "token-expired");
});

story("a revoked token gets no new request on any worker; what is under way goes on", async () => {
  const leaver = await node.caller("leaver", { groups: ["assistant"] });
  const stream = leaver.stream(provider.says("tokens=40 interval_ms=50"));
  await stream.heard(2);
  // Connections on both workers, so that each has looked the token up.
  await Promise.all(Array.from({ length: 16 }, () => leaver.ask(provider.says())));
  await node.says("token", "revoke", "leaver");
  const errors = await Promise.all(Array.from({ length: 24 }, () => leaver.refused(provider.says())));
  assert.deepEqual([...new Set(errors.map((e) => `${e.status} ${e.router}`))], ["403 token-revoked"]);
  await stream.end;
  assert.equal(stream.error, null);
  assert.equal(stream.text.split(" ").length - 1, 40);
  assert.equal((await leaver.models().catch((error) => error)).status, 403);
});

story("tokens are listed, and never shown again", async () => {
  const listed = await node.says("token", "list");
  assert.match(listed, /app/);
  assert.match(listed, /leaver.*revoked|revoked.*leaver/);
  assert.ok(!listed.includes(app.token.slice(4)));
});

story("text and JSON of get and explain tell the same request", async () => {
  const { id } = await app.ask(provider.says());
  assert.match(await node.says("explain", id), /openai\/gpt-5-mini/);
  assert.match(await node.says("explain", "--last"), new RegExp(id));
  assert.match(await node.says("get", "requests"), new RegExp(id));
  assert.match(await egress.says("get", "requests"), new RegExp(id));
  assert.match(await egress.says("explain", id), /central/);
  assert.notEqual((await node.tries("explain", "req_00000000000000000000000000")).code, 0);
});

story("rows outlive the daemon, and can be read while none runs", async () => {
  const { id } = await own.ask(provider.says());
  await node.stop();
  assert.equal((await node.explain(id)).request.status, 200);
  await node.start();
  assert.equal((await node.explain(id)).request.status, 200);
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
});
