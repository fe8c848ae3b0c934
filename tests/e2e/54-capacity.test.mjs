// The egress judges for all its nodes: what one call taught, no node asks
// again; one probe goes when the time is over; who recovered serves all.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { Load, mesh, numbered, pause, story, until } from "./lab.mjs";

const TEAMS = ["payments", "search", "risk"];
const PRICE = { price: { input: 1, output: 1 } };
const MODELS = ["rate", "beside", "busy", "probed", "left", "hasty", "broken", "unread"];

// What providers say when money or quota is spent: each is of the account.
const error = (fields) => JSON.stringify({ error: fields });
const anthropic = (type, message, more) => JSON.stringify({ type: "error", error: { type, message, ...more } });
const QUOTAS = [
  ["OpenAI", 429, error({ message: "m", type: "insufficient_quota", code: "insufficient_quota" })],
  ["OpenAI's hard limit", 429, error({ message: "m", code: "billing_hard_limit_reached" })],
  ["OpenAI in words", 429, error({ message: "You exceeded your current quota, please check your plan." })],
  ["Anthropic's bill", 402, anthropic("billing_error", "m")],
  ["Anthropic's credit", 400, anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API.")],
  ["Anthropic's limits", 400, anthropic("invalid_request_error", "You have reached your specified API usage limits.")],
  ["Anthropic's spend limit", 429, anthropic("rate_limit_error", "m", { details: { error_code: "enforced_spend_limit_reached" } })],
  ["OpenRouter", 402, error({ code: 402, metadata: { error_type: "payment_required" } })],
  ["OpenRouter's credits", 402, error({ code: 402, metadata: { limit_source: "openrouter_credits" } })],
  ["Groq", 400, error({ message: "m", code: "blocked_api_access" })],
  ["DeepSeek", 402, error({ message: "Insufficient Balance" })],
  ["xAI", 429, error({ message: "Your team has used all credits or reached its monthly spending limit." })],
  ["Codex's plan", 429, error({ message: "m", type: "usage_not_included" })],
  ["any 402", 402, ""],
];

const twins = { first: PRICE, second: PRICE };
const lab = await mesh({
  teams: TEAMS,
  egress: { timeouts: { total: "4s" } },
  grants: ["shared/*", "locked/*", ...QUOTAS.map((_, i) => `quota-${i}/*`)],
  providers: ({ url }) => {
    const of = (models) => ({ type: "openai", base_url: url, api_key: "secret/openai", models });
    return {
      shared: of(Object.fromEntries(MODELS.map((name) => [name, PRICE]))),
      locked: of(twins),
      ...numbered(QUOTAS.length, "quota", () => of(twins)),
    };
  },
  groups: {
    ...Object.fromEntries(MODELS.map((name) => [name, { strategy: "static", targets: [`shared/${name}`] }])),
    ...Object.fromEntries(["first", "second"].flatMap((name) => [["locked"], ...QUOTAS.map((_, i) => [`quota-${i}`])]
      .map(([account]) => [`${account}-${name}`, { strategy: "static", targets: [`${account}/${name}`] }]))),
  },
});
const { egress, provider } = lab;
const nodes = TEAMS.map((team) => lab.nodes[team]);
const tokens = await Promise.all(nodes.map((node) => node.caller("app", {
  groups: [...MODELS, "own", "locked-first", "locked-second", ...QUOTAS.flatMap((_, i) => [`quota-${i}-first`, `quota-${i}-second`])],
})));
const asks = (model) => tokens.map((token) => Object.assign(Object.create(Object.getPrototypeOf(token)), token, { model }));

const targets = async (node) => Object.fromEntries(JSON.parse(await node.says("get", "targets", "--json")).map((t) => [t.target, t]));
const events = async (member, target) =>
  JSON.parse(await member.says("get", "events", "--json", "--limit", "1000", "--target", target)).map((e) => `${e.kind} ${e.detail}`);
const putOff = async () => (await egress.counters()).gsr_put_off_total ?? 0;

// Whom the story says so of, every node hears so.
const allSee = (target, wanted) => until(`all nodes know of ${target}`, async () => {
  const seen = (await Promise.all(nodes.map(targets))).map((t) => `${t[target].state} ${t[target].backoff}`);
  if (seen.some((state) => state !== wanted)) throw new Error(seen.join("; "));
  return true;
});

// Nobody is asked: not the provider, and not the egress.
async function nobodyAsks(callers, router, kind) {
  const before = await putOff();
  for (const caller of callers) {
    const words = provider.says();
    const told = await caller.refused(words);
    assert.equal(told.router, router, told.message);
    assert.match(told.message, new RegExp(`backing-off \\(${kind}, `));
    await provider.callsOf(words, 0);
    assert.deepEqual((await caller.node.explain(told.id)).attempts, []);
  }
  assert.equal(await putOff(), before);
}

story("a rate that one node meets keeps all from asking, and leaves the account's other models alone", async () => {
  const [one, ...others] = asks("rate");
  const told = await one.refused(provider.refuses(429, "rate", "retry_after=60"));
  assert.deepEqual([told.status, told.router], [503, "upstream-rate-limited"]);
  // It knows before the answer has ended; the others soon after.
  await nobodyAsks([one], "upstream-rate-limited", "rate");
  await allSee("shared/rate", "backing-off rate");
  await nobodyAsks(others, "upstream-rate-limited", "rate");
  for (const caller of asks("beside")) assert.equal((await caller.ask(provider.says("tokens=1"))).text, "t0 ");
  const rest = Number((await others[0].refused("hello")).headers.get("retry-after"));
  assert.ok(rest > 30 && rest <= 66, `${rest}`);
});

story("overload is one when the second try fails too, and then for all", async () => {
  await lab.save();
  const [one, ...others] = asks("busy");
  const words = provider.refuses(503, "overloaded", "retry_after=1");
  await one.refused(words);
  await provider.callsOf(words, 2);
  await allSee("shared/busy", "backing-off short").catch(() => allSee("shared/busy", "half-open short"));
  const { [`shared/busy`]: busy } = await targets(nodes[1]);
  if (busy.state === "backing-off") await nobodyAsks([others[0]], "upstream-overloaded", "short");
});

story("who waits to try once more does not, when others have closed the target meanwhile", async () => {
  await lab.save();
  const [one, two] = asks("hasty");
  const both = [1, 2].map(() => provider.refuses(503, "overloaded", "retry_after=1"));
  const first = one.refused(both[0]);
  await until("it is called", async () => (await provider.calls(both[0])).length > 0);
  const told = [await two.refused(both[1]), await first];
  for (const words of both) await provider.callsOf(words, 1);
  for (const [i, error] of told.entries()) {
    assert.deepEqual([error.status, error.router], [503, "upstream-overloaded"]);
    assert.ok(Number(error.headers.get("retry-after")) >= 1, error.headers.get("retry-after"));
    const { request, attempts } = await nodes[1 - i].explain(error.id);
    assert.deepEqual([request.attempts, attempts.map((a) => [a.class, a.state])], [1, [["overloaded", "settled"]]]);
  }
});

story("spent money or quota is the account's, whoever says it how: nobody asks its other model", async () => {
  for (const [i, [what, status, body]] of QUOTAS.entries()) {
    const words = provider.says(`status=${status} body=${body ? `b64:${Buffer.from(body).toString("base64")}` : "empty"}`);
    const told = await asks(`quota-${i}-first`)[i % 3].refused(words);
    assert.equal(told.router, "upstream-quota-exhausted", what);
    await provider.callsOf(words, 1);
    await allSee(`quota-${i}/first`, "backing-off quota");
    await allSee(`quota-${i}/second`, "backing-off quota");
    await nobodyAsks(asks(`quota-${i}-second`), "upstream-quota-exhausted", "quota");
    const { [`quota-${i}/second`]: { wait_us } } = await targets(nodes[0]);
    assert.ok(wait_us > 200e6 && wait_us < 340e6, `${what}: ${wait_us}`);
    assert.deepEqual(await events(egress, `quota-${i}`), ["target-backing-off quota"], what);
  }
});

story("a bad key closes the account, and a reload, which somebody does who has acted, opens it again", async () => {
  const told = await asks("locked-first")[0].refused(provider.refuses(401, "key"));
  assert.equal(told.router, "upstream-failed");
  await allSee("locked/second", "backing-off long");
  await nobodyAsks(asks("locked-second"), "upstream-failed", "long");
  assert.equal((await egress.reload()).refused, false);
  await allSee("locked/second", "ok ");
  for (const caller of asks("locked-second")) assert.equal((await caller.ask(provider.says("tokens=1"))).text, "t0 ");
  assert.deepEqual(await events(egress, "locked"), ["target-recovered long", "target-backing-off long"]);
});

story("so does a key that is rotated, of an egress and of a node's own upstream", async () => {
  await lab.save();
  const rotate = async (member, name) => {
    lab.keys[name] = `${lab.keys[name]}-next`;
    assert.equal((await member.rotate(name, lab.keys[name])).code, 0);
  };
  await asks("locked-first")[0].refused(provider.refuses(401, "key"));
  await allSee("locked/second", "backing-off long");
  await rotate(egress, "openai");
  await allSee("locked/second", "ok ");
  for (const caller of asks("locked-second")) assert.equal((await caller.ask(provider.says("tokens=1"))).text, "t0 ");

  const own = asks("own")[0];
  const state = async () => (await targets(nodes[0]))["own/gpt-oss"].state;
  await own.refused(provider.refuses(401, "key"));
  assert.equal(await state(), "backing-off");
  await rotate(nodes[0], "own");
  await until("it is tried again", async () => (await state()) === "ok");
  assert.equal((await own.ask(provider.says("tokens=1"))).text, "t0 ");
  await own.refused(provider.refuses(401, "key"));
  assert.equal(await state(), "backing-off");
  assert.equal((await nodes[0].reload()).refused, false);
  await until("it is tried again", async () => (await state()) === "ok");
});

story("one probe an interval, of all callers of all nodes, and who recovers serves all at once", async () => {
  const callers = asks("probed").flatMap((caller) => [caller, caller, caller]);
  await asks("probed")[0].refused(provider.refuses(429, "rate"));
  await allSee("shared/probed", "backing-off rate");
  await provider.script("body=rate for_model=probed times=10000");
  const since = (await provider.calls()).at(-1).n;
  const times = [];
  const load = new Load(callers, { streams: false, script: "tokens=1" });
  let known = 0;
  await until("four probes", async () => {
    const calls = (await provider.calls()).filter((call) => call.n > since && call.model === "probed");
    for (; known < calls.length; known++) times.push(Date.now());
    return known >= 3;
  });
  // The second wait is 2 s and the third 4 s, a tenth less by chance.
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  for (const [i, gap] of gaps.entries()) assert.ok(gap > 1000 * 2 ** (i + 1) * 0.85, `${gaps}`);
  await provider.ask("reset", { method: "POST" });
  await allSee("shared/probed", "ok ");
  await load.stop();
  for (const caller of asks("probed")) assert.equal((await caller.ask(provider.says("tokens=1"))).text, "t0 ");
  // Each change is one row at the egress, and one at each node.
  const wanted = await events(egress, "shared/probed");
  assert.equal(wanted[0], "target-recovered rate");
  assert.equal(wanted.filter((event) => event === "target-backing-off rate").length, wanted.length - 1);
  for (const node of nodes) assert.deepEqual(await events(node, "shared/probed"), wanted);
});

story("a probe whose caller leaves says nothing: the next one probes", async () => {
  const [one, two] = asks("left");
  await one.refused(provider.refuses(429, "rate"));
  await until("its time is over", async () => (await targets(nodes[0]))["shared/left"].state === "half-open");
  const words = provider.says("latency_ms=20000");
  const stream = one.stream(words);
  await until("it is called", async () => (await provider.calls(words)).length > 0);
  const kept = provider.says();
  const told = await two.refused(kept);
  assert.equal(told.router, "upstream-rate-limited", told.message);
  assert.ok(Number(told.headers.get("retry-after")) <= 2, told.headers.get("retry-after"));
  await provider.callsOf(kept, 0);
  await stream.hangUp();
  await until("the next one probes", async () => (await two.ask(provider.says("tokens=1"))).text === "t0 ");
  await allSee("shared/left", "ok ");
});

story("answers that a node's callers do not read close nothing for the others", async () => {
  const [one, two] = asks("unread");
  const words = provider.says("tokens=12000 size=4000");
  const sockets = [1, 2, 3, 4, 5, 6].map(() => one.dial(words, { stream: true }));
  await until("all are called", () => provider.callsOf(words, sockets.length));
  const ended = await until("the egress has waited long enough", async () => {
    const rows = (await egress.rows(1000)).filter((row) => row.target === "shared/unread" && row.state === "settled");
    return rows.length === sockets.length && rows;
  });
  assert.deepEqual(ended.map((row) => [row.status, row.fail]), sockets.map(() => [200, "client-gone"]));
  for (const socket of sockets) socket.destroy();
  assert.deepEqual(await events(egress, "shared/unread"), []);
  assert.equal((await two.ask(provider.says("tokens=1"))).text, "t0 ");
});

story("faults count over all nodes, and an egress that starts anew has forgotten them", async () => {
  const callers = asks("broken");
  const before = (await provider.calls()).length;
  for (let i = 0; i < 6; i++) {
    await lab.save();
    await callers[i % 3].refused({ tag: randomUUID(), text: "hello [[sim status=500 body=server]]" });
  }
  await allSee("shared/broken", "backing-off breaker").catch(() => allSee("shared/broken", "half-open breaker"));
  const calls = (await provider.calls()).slice(before).filter((call) => call.model === "broken");
  assert.ok(calls.length >= 5 && calls.length <= 7, `${calls.length}`);
  await egress.kill();
  await egress.start();
  await Promise.all(nodes.map((node) => node.ready()));
  await allSee("shared/broken", "ok ");
  await allSee("shared/rate", "ok ");
  assert.equal((await callers[0].ask(provider.says("tokens=1"))).text, "t0 ");
});

story("after all that node and egress agree", async () => {
  await pause(100);
  for (const node of nodes)
    await until("receipts agree", async () => {
      const { code, out, err } = await node.verify();
      if (code !== 0) throw new Error(out + err);
      return true;
    });
});
