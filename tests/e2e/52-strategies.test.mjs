// Who is asked first, who next, and who not at all: each strategy, and what
// holds whatever the strategy.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after } from "node:test";

import { Fresh, mesh, numbered, RED, story, until } from "./lab.mjs";
import { binary, must } from "./lab/program.mjs";

// A policy service: it keeps what it was told, and answers as it is told.
const service = { asked: [], answer: (_input, reply) => reply.end("[]") };
const server = createServer(async (request, reply) => {
  const input = JSON.parse(Buffer.concat(await request.toArray()).toString());
  service.asked.push(input);
  service.answer(input, reply);
}).listen(0, "127.0.0.1");
await new Promise((ok) => server.once("listening", ok));
after(() => server.closeAllConnections() ?? server.close());
const external = (mode, more) => ({
  url: `http://127.0.0.1:${server.address().port}/order`, mode, fallback: "failover", timeout: "300ms", ...more,
});

// Models of the team's own upstream, each in one story only.
const CHEAP = { price: { input: 1, output: 1 } };
const DEAR = { price: { input: 50, output: 50 } };
const FAILING = 40;
const MODELS = {
  ...Object.fromEntries(["static-1", "static-2", "failover-1", "failover-2", "weight-6", "weight-3", "weight-1", "weight-0",
    "warm-1", "warm-2", "errors-1", "errors-2", "rate-1", "probe-1", "slow-1", "slow-2", "endless-1", "spent-1", "spent-2",
    "policy-1", "policy-2", "service-1", "service-2"].map((name) => [name, CHEAP])),
  "dear-1": DEAR, "cheap-1": CHEAP, "dear-2": DEAR, "cheap-2": CHEAP,
  ...numbered(FAILING, "failing", () => CHEAP),
  plain: { ...CHEAP, supports: [] },
  short: { ...CHEAP, context: 1000 },
  untold: CHEAP,
  able: { ...CHEAP, supports: ["tools"], context: 8000 },
};
const of = (...names) => names.map((name) => `near/${name}`);
const only = (weights) => ({
  cost: 0, ttft: 0, latency: 0, throughput: 0, errors: 0, quality: 0, complexity: 0, affinity: 0, ...weights,
});
const failover = (...names) => ({ strategy: "failover", targets: of(...names) });

const GROUPS = {
  static: { strategy: "static", targets: of("static-1", "static-2") },
  failover: failover("failover-1", "failover-2"),
  weighted: { strategy: "weighted", targets: [6, 3, 1, 0].map((weight) => ({ model: `near/weight-${weight}`, weight })) },
  cost: { strategy: "score", score: { weights: only({ cost: 1 }), explore: 0 }, targets: of("dear-1", "cheap-1") },
  warm: { strategy: "score", score: { weights: only({ affinity: 1 }), explore: 0 }, targets: of("warm-1", "warm-2") },
  errors: { strategy: "score", score: { weights: only({ errors: 1 }), explore: 0 }, targets: of("errors-1", "errors-2") },
  explore: { strategy: "score", score: { weights: only({ cost: 1 }), explore: "50%" }, targets: of("cheap-2", "dear-2") },
  rate: failover("rate-1"),
  probe: failover("probe-1"),
  slow: { ...failover("slow-1", "slow-2"), timeouts: { attempt: "300ms" } },
  endless: { ...failover("endless-1"), timeouts: { total: "1s" } },
  spent: failover("spent-1", "spent-2"),
  ...numbered(FAILING, "failing", (n) => failover(`failing-${n}`)),
  plain: failover("plain"),
  short: failover("short"),
  messages: { ...failover("untold"), contract: { dialects: ["messages"] } },
  proven: { ...failover("untold", "able"), contract: { requires: ["tools"] } },
  large: { ...failover("short", "able"), contract: { min_context: 5000 } },
  ...Object.fromEntries([["enforced", "enforce"], ["shadowed", "shadow"], ["baseline", "baseline"],
    ["closed", "enforce", { on_error: "fail-closed" }]].map(([name, mode, more]) =>
    [name, { strategy: "external", external: external(mode, more), targets: of("service-1", "service-2") }])),
};

const lab = await mesh({
  upstreams: ({ url }) => ({ near: { type: "openai", base_url: url, api_key: "secret/own", models: MODELS } }),
  groups: GROUPS,
});
const { node, provider, topology } = lab;
const token = await node.caller("app", { groups: Object.keys(GROUPS).filter((name) => !name.startsWith("failing")) });
const named = (model, caller = token) => Object.assign(Object.create(Object.getPrototypeOf(caller)), caller, { model });

// Words for models, beside a mark: { "rate-1": "body=rate" }.
const where = (words) =>
  provider.says(Object.entries(words).map(([model, script]) => `]] [[sim for_model=${model} ${script}`).join(" "));

// Whom a prompt reached, first to last.
const reached = async (words) => (await provider.calls(words)).map((call) => call.model);

// Who answered, and how that was decided.
async function served(model, words = provider.says(), more = {}, headers = {}) {
  const { id, answer } = await named(model).ask(words, more, headers);
  return { by: answer.model, id, ...(await node.explain(id)) };
}

async function counted(model, times) {
  const counts = {};
  for (let i = 0; i < times; i += 10)
    for (const { answer } of await Promise.all(Array.from({ length: 10 }, () => named(model).ask(provider.says("tokens=1")))))
      counts[answer.model] = (counts[answer.model] ?? 0) + 1;
  return counts;
}

const ranks = ({ decision }) => Object.fromEntries(decision.candidates.map((c) => [c.target.split("/")[1], c.rank]));

story("static: the one target serves, and what is listed behind it only when it fails", async () => {
  assert.deepEqual(await counted("static", 20), { "static-1": 20 });
  const told = await served("static", where({ "static-1": "body=model" }));
  assert.deepEqual([told.by, told.attempts.map((a) => a.class)], ["static-2", ["not-found", ""]]);
  assert.deepEqual([told.request.strategy, told.decision.by, told.decision.decider], ["static", "static", "strategy"]);
});

story("failover: the first one serves, then the second, and again the first once a probe was answered", async () => {
  assert.equal((await served("failover")).by, "failover-1");
  assert.equal((await served("failover", where({ "failover-1": "body=rate" }))).by, "failover-2");
  const words = provider.says();
  const meanwhile = await served("failover", words);
  assert.deepEqual([meanwhile.by, await reached(words)], ["failover-2", ["failover-2"]]);
  assert.deepEqual(meanwhile.decision.candidates.map((c) => c.excluded), ["backing-off", ""]);
  const back = await until("its time is over", async () => {
    const told = await served("failover");
    return told.by === "failover-1" && told;
  });
  assert.deepEqual(back.attempts.map((a) => a.probe), [true]);
  assert.deepEqual((await served("failover")).attempts.map((a) => [a.target, a.probe]), [["near/failover-1", false]]);
});

// Bounds are five deviations away: it is chance, and not to be met by it.
const about = (count, wanted, of) => {
  const deviation = Math.sqrt(of * (wanted / of) * (1 - wanted / of));
  assert.ok(Math.abs(count - wanted) <= 5 * deviation, `${count} of ${of}, and not about ${wanted}`);
};

story("weighted: each gets its share, that of one that backs off goes to the others, and weight 0 comes last", async () => {
  const all = await counted("weighted", 200);
  for (const weight of [6, 3, 1]) about(all[`weight-${weight}`] ?? 0, 20 * weight, 200);
  assert.equal(all["weight-0"], undefined);
  assert.equal(ranks(await served("weighted"))["weight-0"], 4);
  await until("the heaviest fails", async () =>
    (await served("weighted", where({ "weight-6": "body=rate retry_after=500" }))).attempts.length === 2);
  const left = await counted("weighted", 100);
  assert.equal(left["weight-6"], undefined);
  about(left["weight-3"] ?? 0, 75, 100);
  const fail = "body=server header=X-Router-Error:upstream-failed";
  assert.equal((await served("weighted", where({ "weight-3": fail, "weight-1": fail }))).by, "weight-0");
});

story("score: the cheap one is preferred, and its terms are written down", async () => {
  const told = await served("cost");
  assert.deepEqual([told.by, ranks(told)], ["cheap-1", { "dear-1": 2, "cheap-1": 1 }]);
  const [dear, cheap] = told.decision.candidates;
  assert.deepEqual([cheap.cost_ppm, cheap.score_ppm], [1_000_000, 1_000_000]);
  assert.equal(dear.cost_ppm, 20_000);
  assert.equal(dear.score_ppm, 20_000);
});

story("score: a conversation stays where it is warm, and others are not drawn along", async () => {
  const words = provider.says("tokens=1");
  // It says that it is another member's fault: nobody is left alone for that.
  await provider.script("for_model=warm-1 body=server header=X-Router-Error:upstream-failed times=1");
  assert.equal((await served("warm", words)).by, "warm-2");
  const next = await served("warm", words, { messages: [{ role: "user", content: words.text },
    { role: "assistant", content: "t0 " }, { role: "user", content: "and then?" }] });
  assert.deepEqual([next.by, next.decision.candidates.map((c) => [c.warm, c.affinity_ppm])],
    ["warm-2", [[false, 0], [true, 1_000_000]]]);
  assert.equal((await served("warm")).by, "warm-1");
});

story("score: the one that fails loses", async () => {
  await lab.save();
  const told = await served("errors", where({ "errors-1": "body=server" }));
  assert.deepEqual([told.by, told.attempts.length], ["errors-2", 3]);
  const next = await served("errors");
  assert.deepEqual([next.by, next.attempts.length, ranks(next)], ["errors-2", 1, { "errors-1": 2, "errors-2": 1 }]);
  const [failing, good] = next.decision.candidates;
  assert.ok(failing.errors_ppm < good.errors_ppm && failing.failures === 2, JSON.stringify(failing));
});

story("score: one that nobody knows is tried until it is known, and no longer", async () => {
  let explored = 0;
  await until("both are known", async () => {
    const { decision } = await served("explore");
    explored += decision.decider === "exploration";
    return decision.candidates.every((c) => c.attempts >= 10);
  });
  assert.ok(explored >= 1);
  assert.deepEqual(await counted("explore", 20), { "cheap-2": 20 });
});

// --- Scripts

const policies = {
  last: "return input.targets.map((t) => t.target).reverse();",
  tagged: `return { order: input.request.tags.tier === "gold" ? ["near/policy-2"] : ["near/policy-1"], note: "by tier" };`,
  endless: "for (;;);",
  greedy: "const all: unknown[] = []; for (;;) all.push(new Array(1000).fill(input));",
  throwing: `throw new Error("no");`,
  numeric: "return 5 as unknown as Decision;",
  foreign: `return ["near/cheap-1"];`,
};
let scripted;

// The compiler that the build installed, also for binaries that lie elsewhere.
const TSC = new URL("../../node/policy/node_modules/.bin/tsc", import.meta.url).pathname;
const tsc = existsSync(TSC) ? ["--tsc", TSC] : [];

async function buildPolicy(name, body) {
  const source = join(lab.place, `${name}.ts`);
  writeFileSync(source, `import type { Decision, Input } from "gsr-policy";
export default function route(input: Input): Decision {
  ${body}
}
`);
  const file = join(topology.dir, "policies", `${name}.js`);
  const out = await must(binary("gsr-node"), ["policy", "build", source, "--out", file, ...tsc]);
  return out.match(/hash: "([0-9a-f]{64})"/)[1];
}

const script = (name, hash) => ({
  strategy: "script", script: { file: `policies/${name}.js`, hash, fallback: "failover" }, targets: of("policy-1", "policy-2"),
});

story("script: policies that were built, signed and reloaded put the targets in order", async () => {
  const made = {};
  mkdirSync(join(topology.dir, "policies"));
  for (const [name, body] of Object.entries(policies)) made[`by-${name}`] = script(name, await buildPolicy(name, body));
  await topology.change("node/payments.yaml", (file) => Object.assign(file.groups, made));
  assert.equal((await node.reload()).why, "");
  scripted = await node.caller("scripted", { groups: Object.keys(made) });
  const { id, answer } = await named("by-last", scripted).ask("hello");
  assert.equal(answer.model, "policy-2");
  const { decision } = await node.explain(id);
  assert.deepEqual([decision.by, decision.decider, decision.failed, decision.policy],
    ["script", "strategy", "", made["by-last"].script.hash.slice(0, 16)]);
});

story("script: what the request's tags say is what the policy sees, and who it left out is not tried", async () => {
  for (const [tags, model] of [["tier=gold,run=7", "policy-2"], ["tier=iron", "policy-1"]]) {
    const words = provider.says();
    const { id, answer } = await named("by-tagged", scripted).ask(words, {}, { "x-router-tags": tags });
    assert.equal(answer.model, model);
    const { decision } = await node.explain(id);
    assert.deepEqual([decision.tags, decision.note], [tags, "by tier"]);
    assert.ok(decision.candidates.some((c) => c.excluded === "not-chosen"));
  }
});

story("script: a policy that fails leaves it to the fallback, and others are served meanwhile", async () => {
  const ways = [["endless", /^timeout$/], ["greedy", /^(memory|timeout)$/], ["throwing", /^threw$/], ["numeric", /^not-allowed$/],
    ["foreign", /^not-allowed$/]];
  for (const [name, failed] of ways) {
    const [{ id, answer }, ...others] = await Promise.all([named(`by-${name}`, scripted).ask("hello"),
      ...Array.from({ length: 4 }, () => named("static").ask("hello"))]);
    assert.equal(answer.model, "policy-1");
    for (const other of others) assert.match(other.text, /^t0 /);
    const { decision } = await node.explain(id);
    assert.deepEqual([decision.strategy, decision.by, decision.decider], ["script", "failover", "fallback"], name);
    assert.match(decision.failed, failed, name);
  }
});

story("script: a policy that had to be killed again and again is put aside", async () => {
  const failed = await until("it is put aside", async () => {
    const { id, answer } = await named("by-endless", scripted).ask("hello");
    assert.equal(answer.model, "policy-1");
    const { decision } = await node.explain(id);
    return decision.failed === "put-aside" && decision.failed;
  });
  assert.equal(failed, "put-aside");
});

// The hash that a topology wants, of a file that no compiler made.
async function addRaw(name, text) {
  const file = join(topology.dir, "policies", `${name}.js`);
  writeFileSync(file, text);
  return (await must("b2sum", ["-l", "256", file])).slice(0, 64);
}

story("script: files that are not what was signed, or no policies, are refused, and the old ones go on", async () => {
  const whole = topology.copy();
  const still = async () => assert.equal((await named("by-last", scripted).ask("hello")).answer.model, "policy-2");

  topology.scribble("policies/last.js", (text) => `${text}\n// one more line`);
  const changed = await node.reload();
  assert.equal(changed.refused, true);
  assert.match(changed.why, /is not the hash of policies\/last\.js as it is now/);
  await still();
  whole();

  for (const [name, text, why] of [["empty", "export function route() {}\n", /default export/],
    ["broken", "export default function (\n", /SyntaxError|expecting/], ["spinning", "for (;;);\n", /time was up/]]) {
    const back = topology.copy();
    const hash = await addRaw(name, text);
    await topology.change("node/payments.yaml", (file) => Object.assign(file.groups, { [`by-${name}`]: script(name, hash) }));
    const { refused, why: told } = await node.reload();
    assert.equal(refused, true, name);
    assert.match(told, new RegExp(`policies/${name}\\.js`));
    assert.match(told, why);
    await still();
    back();
  }
  assert.equal((await node.reload()).why, "");
  await still();
});

// --- Policy services

const order = (...names) => (_input, reply) => reply.end(JSON.stringify({ order: of(...names), note: "as told" }));

story("external: a service that is enforced decides, and is told numbers and names", async () => {
  service.answer = order("service-2", "service-1");
  service.asked.length = 0;
  const told = await served("enforced", provider.says(), {}, { "x-router-tags": "run=7" });
  assert.deepEqual([told.by, told.decision.decider, told.decision.note, told.decision.failed], ["service-2", "strategy", "as told", ""]);
  const [input] = service.asked;
  assert.deepEqual([input.request.id, input.request.group, input.request.caller, input.request.tags],
    [told.id, "enforced", "app", { run: "7" }]);
  assert.deepEqual(input.targets.map((t) => t.target), of("service-1", "service-2"));
  assert.ok(!JSON.stringify(input).includes("hello") && !JSON.stringify(input).includes(token.token));
});

story("external: in its shadow the fallback decides, and what it would have done is written down", async () => {
  service.answer = order("service-2", "service-1");
  // Long enough for the service to be heard; who is late is not waited for.
  const told = await served("shadowed", provider.says("latency_ms=300"));
  assert.deepEqual([told.by, told.decision.by, told.decision.decider], ["service-1", "failover", "baseline"]);
  assert.deepEqual([told.decision.policy_order, told.decision.failed], [of("service-2", "service-1").join(","), ""]);
});

story("external: as a baseline it is not asked", async () => {
  service.asked.length = 0;
  assert.equal((await served("baseline")).by, "service-1");
  assert.deepEqual(service.asked, []);
});

const FAULTS = [
  ["timeout", () => {}],
  ["status", (_input, reply) => reply.writeHead(500).end("{}")],
  ["broken", (_input, reply) => reply.destroy()],
  ["too-large", (_input, reply) => reply.end(JSON.stringify({ order: of("service-2"), note: "x".repeat(70_000) }))],
  ["not-allowed", (_input, reply) => reply.end("{")],
  ["not-allowed", (_input, reply) => reply.end("[]")],
  ["not-allowed", order("cheap-1")],
  ["not-allowed", order("service-2", "service-2")],
  ["not-allowed", (_input, reply) => reply.end(JSON.stringify({ order: of("service-2"), also: 1 }))],
];

story("external: without a good answer in time the fallback decides, or nobody where that is asked", async () => {
  for (const [failed, answer] of FAULTS) {
    service.answer = answer;
    const told = await served("enforced");
    assert.deepEqual([told.by, told.decision.by, told.decision.decider, told.decision.failed],
      ["service-1", "failover", "fallback", failed]);
    const words = provider.says();
    const error = await named("closed").refused(words);
    assert.deepEqual([error.status, error.router], [502, "policy-failed"], failed);
    const { request, decision } = await node.explain(error.id);
    assert.deepEqual([request.attempts, request.cost_microusd, decision.failed], [0, 0, failed]);
    await provider.callsOf(words, 0);
  }
});

// --- Whatever the strategy

const TOOL = { type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } };
const SCHEMA = { type: "json_schema", json_schema: { name: "s", strict: true,
  schema: { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false } } };
const picture = (text) => [{ role: "user", content: [{ type: "text", text },
  { type: "image_url", image_url: { url: `data:image/png;base64,${RED}` } }] }];
const INELIGIBLE = [
  ["tools", "plain", () => ({ tools: [TOOL] }), [["capability", "tools"]]],
  ["pictures", "plain", (text) => ({ messages: picture(text) }), [["capability", "images"]]],
  ["a schema", "plain", () => ({ response_format: SCHEMA }), [["capability", "json_schema"]]],
  ["a long prompt", "short", (text) => ({ messages: [{ role: "user", content: `${text} ${"word ".repeat(3000)}` }] }),
    [["context", "of 1000"]]],
  ["an API", "messages", () => ({}), [["dialect", "the contract has not this API"]]],
  ["a capability that nobody states", "proven", (text) => ({ messages: picture(text) }), [["unknown", "tools"], ["capability", "images"]]],
  ["a least context", "large", (text) => ({ messages: picture(text) }), [["context", ""], ["capability", "images"]]],
];

for (const [what, group, more, reasons] of INELIGIBLE)
  story(`a target without what is asked is not tried: ${what}`, async () => {
    const words = provider.says();
    const error = await named(group).refused(words, more(words.text));
    assert.deepEqual([error.status, error.router], [502, "no-eligible-target"], error.message);
    const { request, attempts, decision } = await node.explain(error.id);
    assert.deepEqual([request.fail, request.cost_microusd, attempts], ["no-eligible-target", 0, []]);
    assert.deepEqual(decision.candidates.map((c) => [c.rank, c.excluded]), reasons.map(([excluded]) => [0, excluded]));
    for (const [i, [excluded, detail]] of reasons.entries()) {
      assert.ok(decision.candidates[i].detail.includes(detail), decision.candidates[i].detail);
      assert.match(error.message, new RegExp(`${decision.candidates[i].target}: ${excluded}.*${detail}`));
    }
    await provider.callsOf(words, 0);
  });

story("what no target may ever do for a group is not signed", async () => {
  for (const [contract, why] of [[{ regions: ["eu"] }, /in which region 'near\/untold' is served/],
    [{ max_price: { input: 0.5 } }, /'near\/untold' costs more than contract.max_price/], [{ requires: ["tools"] }, /no target can do/],
    [{ min_context: 10_000 }, /no target can do/]]) {
    const back = topology.copy();
    const group = { ...failover("untold", "short"), contract };
    await assert.rejects(topology.change("node/payments.yaml", (file) => Object.assign(file.groups, { group })), why);
    back();
  }
});

story("a target that asks for a wait is left alone until one probe is answered", async () => {
  await provider.script("for_model=rate-1 body=rate retry_after=1");
  const first = await named("rate").refused("hello");
  assert.deepEqual([first.status, first.router, first.headers.get("retry-after")], [503, "upstream-rate-limited", "1"]);
  const calls = async () => (await provider.calls()).filter((call) => call.model === "rate-1");
  const second = await until("a probe", async () => {
    const error = await named("rate").refused("hello");
    const { attempts } = await node.explain(error.id);
    if (attempts.length === 0) assert.match(error.message, /backing-off \(rate/);
    return attempts.length > 0 && attempts;
  });
  assert.deepEqual(second.map((a) => [a.probe, a.class]), [[true, "rate-limited"]]);
  assert.equal((await calls()).length, 2);
  await provider.script("for_model=rate-1 tokens=1");
  const third = await until("it is back", () => named("rate").ask("hello").catch(() => null));
  assert.deepEqual((await node.explain(third.id)).attempts.map((a) => a.probe), [true]);
  assert.equal((await calls()).length, 3);
  assert.deepEqual((await node.explain((await named("rate").ask("hello")).id)).attempts.map((a) => a.probe), [false]);
});

story("of those who come at once when its time is over one goes, and the others hear that it is not yet", async () => {
  await provider.script("for_model=probe-1 body=rate");
  await named("probe").refused("hello");
  await provider.script("for_model=probe-1 tokens=1 latency_ms=500");
  const outcomes = await until("one is answered", async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => named("probe").ask("hello").catch((error) => error)));
    return all.some((one) => one.text) && all;
  });
  assert.deepEqual(outcomes.map((one) => (one.text ? "answered" : `${one.status}`)).sort(), [...Array(5).fill("503"), "answered"]);
  assert.equal((await provider.calls()).filter((call) => call.model === "probe-1").length, 2);
});

story("targets are asked again within a budget: ten, and a fifth of the requests", async () => {
  const fresh = new Fresh(node, "failing", FAILING);
  const errors = [];
  for (let i = 0; i < FAILING; i++) errors.push(await (await fresh.take()).refused(provider.says("body=server")));
  const again = (await Promise.all(errors.map(({ id }) => node.explain(id)))).filter(({ attempts }) => attempts.length === 2).length;
  assert.ok(again <= 10 + FAILING / 5, `${again}`);
  assert.ok(again >= FAILING / 5, `${again}`);
});

story("an attempt has an end, and the next target is tried", async () => {
  const told = await served("slow", where({ "slow-1": "latency_ms=20000" }));
  assert.equal(told.by, "slow-2");
  assert.ok(told.attempts.slice(0, -1).every((a) => a.class === "timeout" && a.target === "near/slow-1"));
});

story("the whole request has an end, whatever is left to be tried", async () => {
  const error = await named("endless").refused(provider.says("latency_ms=20000"));
  assert.deepEqual([error.status, error.router], [504, "upstream-timeout"]);
  const { request, attempts } = await node.explain(error.id);
  assert.deepEqual([request.fail, attempts.map((a) => [a.class, a.state])], ["upstream-timeout", [["timeout", "settled"]]]);
});

story("when all are left alone the caller hears when to come again, and nobody is called", async () => {
  const words = provider.says("body=rate retry_after=100");
  const first = await named("spent").refused(words);
  assert.deepEqual([first.status, await reached(words)], [503, ["spent-1", "spent-2"]]);
  const again = provider.says();
  const error = await named("spent").refused(again);
  assert.deepEqual([error.status, error.router], [503, "upstream-rate-limited"]);
  assert.ok(Number(error.headers.get("retry-after")) > 30);
  assert.match(error.message, /spent-1: backing-off.*spent-2: backing-off/);
  await provider.callsOf(again, 0);
});

story("tags that are none are refused before anything is asked", async () => {
  for (const tags of ["novalue", "=x", "UPPER=x", "a=b,a=c", "a=b c", Array.from({ length: 9 }, (_, i) => `k${i}=v`).join(",")]) {
    const words = provider.says();
    const error = await named("static").refused(words, {}, { "x-router-tags": tags });
    assert.deepEqual([error.status, error.router], [400, "invalid-request"], tags);
    assert.match(error.message, /X-Router-Tags/);
    await provider.callsOf(words, 0);
  }
});

story("with a topology that is none the old strategies go on", async () => {
  const whole = topology.copy();
  await topology.change("node/payments.yaml", (file) => Object.assign(file.groups.cost, { strategy: "static" })).catch(() => {});
  const { refused, why } = await node.reload();
  assert.equal(refused, true);
  assert.match(why, /node\/payments\.yaml/);
  assert.equal((await served("cost")).by, "cheap-1");
  whole();
  assert.equal((await node.reload()).why, "");
});
