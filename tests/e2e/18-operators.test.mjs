// What operators see of the targets, and do about them.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { mesh, run, story, until } from "./lab.mjs";
import { binary } from "./lab/program.mjs";

const OWN = "own/gpt-oss";
const FAR = "openai/gpt-5-mini";
const UID = `operator (uid ${process.getuid()})`;

const PLAIN = "plain/basic";
const SPEAKS_MESSAGES = "anthropic/claude";

const lab = await mesh({
  upstreams: {
    plain: { type: "vllm", base_url: "http://127.0.0.1:9/v1", models: { basic: { price: { input: 1, output: 1 }, supports: ["tools"] } } },
    anthropic: { type: "anthropic", base_url: "http://127.0.0.1:9/v1", api_key: "secret/own", models: { claude: { price: { input: 9, output: 9 } } } },
  },
  groups: {
    pair: { strategy: "failover", targets: [OWN, FAR] },
    alone: { strategy: "static", targets: [OWN] },
    drawn: { strategy: "weighted", targets: [{ model: PLAIN, weight: 1 }, { model: OWN, weight: 1 }, { model: FAR, weight: 1 }] },
    other: { strategy: "failover", targets: [SPEAKS_MESSAGES, PLAIN] },
  },
});
const { egress, node, provider } = lab;
const app = await node.caller("app", { groups: ["pair", "alone", "assistant"] });

const targets = async () => Object.fromEntries(JSON.parse(await node.says("get", "targets", "--json")).map((t) => [t.target, t]));
const events = async (...more) => JSON.parse(await node.says("get", "events", "--json", ...more));
const served = async (id) => (await node.explain(id)).request.target;
const ask = async (model = "pair") => served((await app.ask(provider.says("tokens=2"), { model })).id);

story("a disabled target is passed over, until it is enabled", async () => {
  assert.equal(await ask(), OWN);
  const said = await node.says("targets", "disable", OWN, "--why", "incident 4711");
  assert.equal(said, `${OWN} is disabled\n`);
  assert.equal(await ask(), FAR);
  const error = await app.refused(provider.says(), { model: "alone" });
  assert.deepEqual([error.status, error.router], [502, "no-eligible-target"]);
  assert.match(error.message, /disabled/);

  const { [OWN]: own, [FAR]: far } = await targets();
  assert.deepEqual([own.state, own.disabled_by, own.why, own.disabled_until], ["disabled", UID, "incident 4711", null]);
  assert.deepEqual(own.groups, ["own", "spare", "pair", "alone", "drawn"]);
  assert.equal(far.state, "ok");
  assert.ok(far.attempts >= 1 && far.failures === 0 && far.total_p50_us > 0, JSON.stringify(far));
  const text = await node.says("get", "targets");
  assert.match(text, new RegExp(`^${OWN} +disabled .*incident 4711`, "m"));

  assert.equal(await node.says("targets", "enable", OWN), `${OWN} is enabled\n`);
  assert.equal(await ask(), OWN);
  const [enabled, disabled] = await events("--target", OWN);
  assert.deepEqual([disabled.kind, disabled.by, disabled.detail, disabled.until], ["target-disabled", UID, "incident 4711", null]);
  assert.deepEqual([enabled.kind, enabled.by], ["target-enabled", UID]);
});

story("a target that is disabled meanwhile is not who a request under way goes on to", async () => {
  const words = provider.says("tokens=1");
  await provider.script(`body=rate latency_ms=1500 tag=${words.tag} for_model=${OWN.split("/")[1]} times=1`);
  const refused = app.refused(words, { model: "pair" });
  await until("the first one is asked", async () => (await provider.calls(words)).length === 1);
  await node.says("targets", "disable", FAR);
  const error = await refused;
  assert.equal(error.router, "upstream-rate-limited");
  assert.equal((await provider.calls(words)).length, 1);
  const { decision, attempts } = await node.explain(error.id);
  assert.deepEqual(attempts.map((a) => a.target), [OWN]);
  assert.deepEqual(decision.candidates.map((c) => [c.target, c.rank, c.excluded]), [[OWN, 1, ""], [FAR, 2, "disabled"]]);
  await node.says("targets", "enable", "--all");
});

story("a target comes back by itself when its time is over", async () => {
  assert.match(await node.says("targets", "disable", OWN, "--for", "2s"), / is disabled until 2\d{3}-/);
  assert.equal(await ask(), FAR);
  assert.match((await targets())[OWN].disabled_until, /^2\d{3}-.*Z$/);
  await until("it is back", async () => (await targets())[OWN].state === "ok");
  assert.equal(await ask(), OWN);
});

story("a restart brings no disabled target back", async () => {
  await node.says("targets", "disable", OWN);
  await node.kill();
  await node.start();
  assert.equal(await ask(), FAR);
  assert.equal(await node.says("targets", "enable", "--all"), `${OWN} is enabled\n`);
  assert.equal(await node.says("targets", "enable", "--all"), "no target was out of use\n");
  assert.equal(await ask(), OWN);
});

story("a target that nobody lists is told with the one that was meant", async () => {
  for (const words of [["disable", "own/gpt-os"], ["enable", "own/gpt-os"]]) {
    const { code, err } = await node.tries("targets", ...words);
    assert.equal(code, 1);
    assert.equal(err, `no group of the running topology lists 'own/gpt-os'; is it '${OWN}'?\n`);
  }
  assert.equal((await node.tries("targets", "enable")).code, 2);
  assert.equal((await node.tries("targets", "disable", OWN, "--for", "soon")).code, 2);
});

story("backing off and recovering are events, and enabling ends it", async () => {
  await provider.script("for_model=gpt-oss times=1 status=429 body=rate retry_after=300");
  assert.equal(await ask(), FAR);
  const { [OWN]: own } = await targets();
  assert.deepEqual([own.state, own.backoff], ["backing-off", "rate"]);
  assert.ok(own.wait_us > 60e6, own.wait_us);
  assert.match(await node.says("get", "targets"), new RegExp(`^${OWN} +backing off \\(rate\\) for `, "m"));
  const [event] = await until("its event", async () => {
    const all = await events("--target", OWN);
    return all[0].kind === "target-backing-off" && all;
  });
  assert.deepEqual([event.by, event.detail], ["router", "rate"]);
  assert.ok(Date.parse(event.until) - Date.parse(event.at) > 60e3);

  await node.says("targets", "enable", OWN);
  assert.equal(await ask(), OWN);
  // A short one ends with the probe that is answered.
  await provider.script("for_model=gpt-oss times=2 status=503 body=overloaded");
  assert.equal(await ask(), FAR);
  await until("it recovers", async () => {
    await ask();
    return (await events("--target", OWN))[0].kind === "target-recovered";
  });
  assert.ok((await events("--limit", "3")).length === 3);
});

story("events are read from the store when no node runs", async () => {
  const before = await events();
  await node.stop();
  assert.deepEqual(await events(), before);
  assert.match((await node.tries("get", "targets")).err, /no daemon runs/);
  await node.start();
});

// name{labels} value, by its text; with the families' types.
function readMetrics(text) {
  const metrics = {}, types = {};
  assert.ok(text.endsWith("\n"));
  for (const line of text.trimEnd().split("\n")) {
    const head = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line);
    const sample = /^(\w+)(\{\w+="[^"\\\n]*"(?:,\w+="[^"\\\n]*")*\})? (\d[\d.e+-]*)$/.exec(line);
    assert.ok(head || sample, line);
    if (head?.[1] === "TYPE") types[head[2]] = head[3];
    if (!sample) continue;
    const family = sample[1].replace(/_(bucket|sum|count)$/, "");
    assert.ok(types[sample[1]] || types[family] === "histogram", `${line} has no type`);
    assert.ok(!((sample[1] + (sample[2] ?? "")) in metrics), `twice: ${line}`);
    metrics[sample[1] + (sample[2] ?? "")] = Number(sample[3]);
  }
  return { metrics, types };
}

story("metrics are Prometheus text, and not for everybody", async () => {
  const { metrics, types } = readMetrics(await node.says("get", "metrics"));
  const counters = await node.counters();
  for (const name of Object.keys(counters)) assert.equal(types[name], "counter", name);
  assert.equal(metrics.gsr_requests_total, counters.gsr_requests_total);
  await ask();
  await node.says("targets", "disable", FAR);
  const { metrics: now } = readMetrics(await node.says("get", "metrics"));
  assert.equal(now[`gsr_target_up{target="${FAR}"}`], 0);
  assert.equal(now[`gsr_target_disabled{target="${FAR}"}`], 1);
  assert.equal(now[`gsr_target_up{target="${OWN}"}`], 1);
  assert.ok(now[`gsr_target_attempts_window{target="${OWN}"}`] >= 1);
  assert.ok(now[`gsr_target_total_seconds{target="${OWN}",quantile="0.95"}`] > 0);
  assert.equal(types.gsr_target_ttft_seconds, "gauge");
  await node.says("targets", "enable", FAR);
  assert.ok(!(await egress.says("get", "metrics")).includes("gsr_target"));
  assert.ok(readMetrics(await egress.says("get", "metrics")).metrics.gsr_receipts_total >= 1);
  assert.equal((await node.admin("/metrics")).status, 401);
});

const readAll = async (member) => readMetrics(await member.says("get", "metrics"));

story("times are histograms by group and outcome, whatever callers ask for", async () => {
  const { metrics: before } = await readAll(node);
  const count = (metrics, name, group, outcome) => metrics[`${name}_count{group="${group}",outcome="${outcome}"}`] ?? 0;
  for (let i = 0; i < 3; i++) await ask();
  for (let i = 0; i < 5; i++) await app.refused(provider.says(), { model: `made-up-${i}` });
  const { metrics: now, types } = await readAll(node);
  const grew = (name, group, outcome) => count(now, name, group, outcome) - count(before, name, group, outcome);
  assert.equal(types.gsr_request_duration_seconds, "histogram");
  assert.equal(grew("gsr_request_duration_seconds", "pair", "ok"), 3);
  assert.equal(grew("gsr_request_ttft_seconds", "pair", "ok"), 3);
  assert.equal(grew("gsr_request_duration_seconds", "other", "refused"), 5);
  assert.ok(!Object.keys(now).some((series) => series.includes("made-up")));
  const buckets = Object.entries(now).filter(([series]) => series.startsWith('gsr_request_duration_seconds_bucket{group="pair",outcome="ok"'));
  const counts = buckets.map(([, value]) => value);
  assert.ok(buckets.length > 10);
  assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
  assert.equal(counts.at(-1), count(now, "gsr_request_duration_seconds", "pair", "ok"));
  assert.match(buckets.at(-1)[0], /le="\+Inf"/);
  assert.ok(now['gsr_request_duration_seconds_sum{group="pair",outcome="ok"}'] > 0);

  const { metrics: far } = await readAll(egress);
  const calls = (metrics) => metrics['gsr_call_duration_seconds_count{account="openai",outcome="ok"}'] ?? 0;
  await app.ask(provider.says("tokens=1"), { model: "assistant" });
  await until("the egress has counted it", async () => calls((await readAll(egress)).metrics) === calls(far) + 1);
});

const file = (name, body) => {
  const path = join(lab.place, name);
  writeFileSync(path, typeof body === "string" ? body : JSON.stringify(body));
  return path;
};
const chat = (more = {}) => ({ messages: [{ role: "user", content: "hello" }], model: "pair", ...more });
const PICTURE = { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }] }], model: "drawn" };
const explain = async (body, ...more) =>
  JSON.parse(await node.says("explain", "--request", file("request.json", body), "--json", ...more));

story("what would be done with a request is told without doing it", async () => {
  const before = [await node.rows(), await provider.count(), await node.counters()];
  const told = await explain(chat(), "--caller", "app");
  assert.deepEqual([told.order, told.fail, told.dialect], [[OWN, FAR], "", "chat"]);
  assert.equal(told.decision.caller, "app");
  assert.deepEqual(told.decision.candidates.map(({ target, rank }) => [target, rank]), [[OWN, 1], [FAR, 2]]);
  const text = await node.says("explain", "--request", file("request.json", chat({ model: undefined })), "--group", "alone");
  assert.match(text, /^would be tried: own\/gpt-oss\n {2}read as chat, \d+ input tokens; seed -?\d+\n\ndecision\n/);
  const after = [await node.rows(), await provider.count(), await node.counters()];
  assert.deepEqual(after[0], before[0]);
  assert.equal(after[1].calls, before[1].calls);
  assert.equal(after[2].gsr_requests_total, before[2].gsr_requests_total);
});

story("who could not be tried is told with the reason, and chance with its seed", async () => {
  const told = await explain(PICTURE);
  const excluded = Object.fromEntries(told.decision.candidates.map((c) => [c.target, [c.excluded, c.detail]]));
  assert.deepEqual(excluded[PLAIN], ["capability", "images"]);
  assert.deepEqual(told.order.toSorted(), [OWN, FAR].toSorted());
  assert.equal(told.decision.needs, "images");
  for (const seed of ["7", "8", "9", String(told.seed)]) {
    const [once, again] = [await explain(PICTURE, "--seed", seed), await explain(PICTURE, "--seed", seed)];
    assert.deepEqual(again.order, once.order);
    assert.equal(String(once.seed), seed);
  }
  const firsts = new Set();
  for (let i = 0; i < 40 && firsts.size < 2; i++) firsts.add((await explain(PICTURE)).order[0]);
  assert.equal(firsts.size, 2);

  await node.says("targets", "disable", OWN);
  const refused = await explain(chat({ model: "alone" }));
  assert.deepEqual([refused.order, refused.fail], [[], "no-eligible-target"]);
  assert.match(refused.detail, /own\/gpt-oss: disabled/);
  await node.says("targets", "enable", OWN);
});

story("what a target's dialect cannot be told is told before it is tried", async () => {
  const told = await explain(chat({ model: "other" }));
  assert.deepEqual(told.order, [SPEAKS_MESSAGES, PLAIN]);
  assert.deepEqual(told.notes, [`${SPEAKS_MESSAGES} would be told it as messages`]);
  const bias = await explain(chat({ model: "other", logit_bias: { 50256: -100 } }));
  assert.deepEqual(bias.order, [PLAIN]);
  const [first] = bias.decision.candidates;
  assert.equal(first.excluded, "not-carried");
  assert.match(first.detail, /logit_bias/);
});

story("the dialect is seen from the body, or said", async () => {
  const dialect = async (body, ...more) => (await explain({ model: "pair", max_tokens: 9, ...body }, ...more)).dialect;
  const messages = [{ role: "user", content: "hi" }];
  assert.equal(await dialect({ messages }), "chat");
  assert.equal(await dialect({ messages, system: "be brief" }), "messages");
  assert.equal(await dialect({ messages }, "--dialect", "messages"), "messages");
  assert.equal(await dialect({ input: "hi", max_tokens: undefined }), "responses");
});

story("a wish that cannot be met is told as what it is", async () => {
  const request = file("request.json", chat());
  for (const [words, why] of [
    [["--request", request, "--group", "nobody"], /^no group is named 'nobody'; groups: assistant /],
    [["--request", request, "--caller", "nobody"], /^no active token is named 'nobody'\n$/],
    [["--request", request, "--dialect", "latin"], /^a dialect is chat, responses or messages\n$/],
    [["--request", file("r4.json", {}), "--group", "pair"], /^as chat, this would be refused \(invalid-request\): .*messages/],
    [["--request", file("r2.json", { model: "pair" })], /^as chat, this would be refused \(invalid-request\): .*messages/],
    [["--request", file("r3.json", "[1")], /r3\.json: is not a JSON object: /],
    [["--request", file("r5.json", chat({ messages: [{ role: "user", content: Array(150_000).fill({ type: "text", text: "" }) }] }))],
      /^the request is not a JSON object: the text has too many values\n$/],
    [["--request", "/nowhere"], /^\/nowhere: there is no such file\n$/],
    [["--group", "pair", "--last"], /^--group, --dialect, --caller and --seed go with --request\n$/],
    [["--request", request, "--last"], /^name a request that was, or --request FILE\n$/],
  ]) {
    const { code, out, err } = await node.tries("explain", ...words);
    assert.ok(code > 0, words.join(" "));
    assert.match(err, why);
    assert.equal(out, "");
  }
  const own = (await explain(chat({ model: "drawn" }), "--caller", "app"));
  assert.equal(own.fail, "group-not-allowed");
  assert.match(await node.says("explain", "--last"), /^request\n/);
});

// A policy of the folder, and the lines of its group.
async function policy(name, body) {
  mkdirSync(join(lab.topology.dir, "policies"), { recursive: true });
  const source = file(`${name}.ts`, `import type { Decision, Input } from "gsr-policy";
export default function route(input: Input): Decision {
  ${body}
}
`);
  const { code, out, err } = await run(binary("gsr-node"), [
    "policy", "build", source, "--out", join(lab.topology.dir, "policies", `${name}.js`)]);
  assert.equal(code, 0, err);
  const [, hash] = /hash: "(\w+)"/.exec(out);
  return { strategy: "script", script: { file: `policies/${name}.js`, hash, fallback: "failover" } };
}

story("a group's own policy is asked, too", async () => {
  const backwards = await policy("backwards", "return input.targets.map((t) => t.target).reverse();");
  await lab.topology.change("node/payments.yaml", (file) => {
    file.groups.scripted = { ...backwards, targets: [OWN, FAR] };
  });
  assert.equal((await node.reload()).why, "");
  const told = await explain(chat({ model: "scripted" }));
  assert.deepEqual(told.order, [FAR, OWN]);
  assert.deepEqual([told.decision.by, told.decision.decider], ["script", "strategy"]);
});

const replay = async (...words) => JSON.parse(await node.says("policy", "replay", "--json", ...words));

story("a policy is asked about requests that were", async () => {
  const source = file("last.ts", `import type { Decision, Input } from "gsr-policy";
export default function route({ request, targets }: Input): Decision {
  if (request.messages > 2) throw new Error("too long for me");
  if (request.messages > 1) return ["no/such"];
  return targets.map((t) => t.target).reverse();
}
`);
  const model = "assistant";
  const before = (await node.rows()).filter(({ group }) => group === "pair").length;
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await app.ask(provider.says("tokens=2"), { model: "pair" })).id);
  const user = (content) => ({ role: "user", content });
  await app.ask(provider.says(), { model: "pair", messages: [user("a"), user("b")] });
  await app.ask(provider.says(), { model: "pair", messages: [user("a"), user("b"), user("c")] });
  await app.ask(provider.says(), { model });

  const told = await replay("--group", "pair", "--policy", source, "--limit", "5", "--each");
  assert.deepEqual([told.decisions, told.same, told.other, told.failed], [5, 0, 3, 2]);
  const [change] = told.changes;
  assert.deepEqual([told.changes.length, change.from, change.to, change.requests], [1, OWN, FAR, 3]);
  let dearer = 0;
  for (const id of ids) {
    const [own, far] = (await node.explain(id)).decision.candidates.map((c) => c.cost_microusd);
    dearer += far - own;
  }
  assert.equal(change.dearer, dearer);
  assert.equal(told.dearer, change.dearer);
  assert.deepEqual(told.errors.map(({ why, requests }) => [why, requests]), [["threw", 1], ["not-allowed", 1]]);
  assert.match(told.errors[0].first_said, /too long for me/);
  assert.match(told.errors[1].first_said, /no\/such/);
  assert.deepEqual(told.each.map(({ request }) => request), ids.toReversed());

  // All of them, the older ones too; of one target alone the choice is the same.
  const all = await replay("--group", "pair", "--policy", source, "--since", "1h");
  assert.ok(all.decisions > before && all.same > 0, JSON.stringify(all));
  assert.equal(all.decisions, all.same + all.other + all.failed);

  await node.stop();
  assert.deepEqual(await replay("--group", "pair", "--policy", source, "--since", "1h"), all);
  const text = await node.says("policy", "replay", "--group", "pair", "--policy", source, "--limit", "5");
  assert.match(text, /^5 decisions of group 'pair', \S+ to \S+\n {9}0 {2}the same target first\n {9}3 {2}another target first, /);
  await node.start();
});

story("the present script of a group is replayed by its topology", async () => {
  const scripted = await node.caller("scripted", { groups: ["scripted"] });
  assert.equal(await served((await scripted.ask(provider.says())).id), FAR);
  const told = await replay("--group", "scripted", "--topology", lab.topology.dir);
  assert.deepEqual([told.decisions, told.same, told.other, told.failed], [1, 1, 0, 0]);
  for (const [words, why] of [
    [["--group", "pair", "--topology", lab.topology.dir], /^pair: is not of strategy script: say --policy FILE\n$/],
    [["--group", "nobody", "--topology", lab.topology.dir], /^nobody: no group of the node file has that name\n$/],
    [["--group", "pair"], /^say which policy: /],
    [["--group", "pair", "--policy", "/nowhere.js"], /^\/nowhere\.js: there is no such file\n$/],
    [["--group", "nobody", "--policy", join(lab.topology.dir, "policies/backwards.js")], /^no decision of group 'nobody' /],
  ]) {
    const { code, out, err } = await node.tries("policy", "replay", ...words);
    assert.ok(code > 0);
    assert.match(err, why);
    assert.equal(out, "");
  }
});
