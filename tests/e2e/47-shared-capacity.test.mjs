// The capacity that all share: an account or a model that is shaped lets in
// what it has, others go round it at once, who has nobody else waits, and who
// is refused is told when to come again, and is let in then.
import assert from "node:assert/strict";

import { DIALECTS, mesh, pause, PRICE, saying, story, until } from "./lab.mjs";

const NOW = { queue: "0s" };
// Of an account whose bucket, once empty, is empty for all of a story.
const RARE = { rpm: 1, burst: 1, ...NOW };
const WAITS_MOST_S = 60;

// Accounts of the egress, and own upstreams of the payments team, by what
// they have; each story takes others.
const ACCOUNTS = {
  around: RARE, none: { rpm: 12, burst: 1, ...NOW }, line: { rpm: 120, burst: 1, queue: "1m" },
  seldom: RARE, often: { rpm: 6, burst: 1, ...NOW }, full: RARE, spare: { rpm: 120, burst: 1, queue: "1m" },
  short: { rpm: 1, burst: 1, queue: "1m", queue_depth: 1 },
  input: { input_tpm: 60, token_burst: 2000, ...NOW }, output: { output_tpm: 60, token_burst: 1000, ...NOW },
  tokens: { tpm: 60, token_burst: 3000, ...NOW },
  grows: { rpm: 1, burst: 1, queue: "10m" }, freed: { rpm: 1, burst: 1, queue: "10m" }, ends: { rpm: 1, burst: 1, queue: "10m" },
  slot: { concurrent: 1, queue: "2m" }, taken: { concurrent: 1, ...NOW },
};
const MODELS = { m: { rpm: 1, burst: 1, ...NOW }, n: {} };
const OWN = { often: { rpm: 6, burst: 1, ...NOW }, seldom: RARE, wide: {}, grows: { rpm: 1, burst: 1, queue: "10m" } };

const named = (all, make) => Object.fromEntries(Object.entries(all).map(([name, terms]) => make(name, terms)));
const shaped = (shaping) => (Object.keys(shaping).length > 0 ? { shaping } : {});
const account = (at, shaping, models = { m: { price: PRICE } }) =>
  ({ type: "openai", base_url: at.url, api_key: "secret/openai", ...shaped(shaping), models });
const own = (at, shaping) => ({ ...account(at, shaping), type: "vllm", api_key: "secret/own" });
const failover = (...targets) => ({ strategy: "failover", targets });

const lab = await mesh({
  teams: ["payments", "risk"], timeouts: { first_byte: "1s", idle: "2s" },
  grants: [...Object.keys(ACCOUNTS), "models"].map((name) => `${name}/*`),
  providers: (at) => ({
    ...named(ACCOUNTS, (name, shaping) => [name, account(at, shaping)]),
    models: account(at, {}, named(MODELS, (name, shaping) => [name, { price: PRICE, ...shaped(shaping) }])),
  }),
  upstreams: (at) => named(OWN, (name, shaping) => [`near-${name}`, own(at, shaping)]),
  groups: {
    ...named(ACCOUNTS, (name) => [name, failover(`${name}/m`)]),
    ...named(MODELS, (name) => [`model-${name}`, failover(`models/${name}`)]),
    ...named(OWN, (name) => [`near-${name}`, failover(`near-${name}/m`)]),
    round: failover("around/m", "openai/gpt-5-mini"), home: failover("full/m", "near-wide/m"),
    "rare-first": failover("seldom/m", "often/m"), "rare-last": failover("often/m", "seldom/m"),
    "own-sooner": failover("seldom/m", "near-often/m"), "own-later": failover("often/m", "near-seldom/m"),
    last: failover("full/m", "spare/m"),
  },
});
const { egress, provider, topology } = lab;
const { payments, risk } = lab.nodes;
const GROUPS = ["round", "home", "rare-first", "rare-last", "own-sooner", "own-later", "last", "model-m", "model-n",
  ...Object.keys(ACCOUNTS), ...Object.keys(OWN).map((name) => `near-${name}`)];
const app = await payments.caller("app", { groups: GROUPS });
const other = await risk.caller("other", { groups: GROUPS });
const of = (caller, model) => Object.assign(Object.create(caller), { model });
const ask = (caller, group, prompt, more) => of(caller, group).ask(prompt, more);
const refused = (caller, group, prompt, more) => of(caller, group).refused(prompt, more);

// What the egress wrote of a request's turns.
const told = async (id) => (await egress.events()).filter((event) => event.request === id);
const attemptsOf = async (id, node = payments) => (await node.explain(id)).attempts;

// A refusal for want of capacity, in seconds to come again.
async function throttled(error, bucket, node = payments, most_s = WAITS_MOST_S) {
  assert.equal(error.router, "upstream-capacity-throttled", error.message);
  assert.ok(error.id, "it has a request id");
  const wait_s = Number(error.headers.get("retry-after"));
  assert.ok(Number.isInteger(wait_s) && wait_s >= 1 && wait_s <= most_s, `Retry-After: ${wait_s}`);
  if (bucket) assert.match(error.message, new RegExp(`At the egress central: ${bucket}: the next place`));
  const { request } = await node.explain(error.id);
  assert.equal(request.fail, "upstream-capacity-throttled");
  if (bucket) assert.equal(request.bucket, `egress ${bucket}`);
  return wait_s;
}

story("two callers at once: one is served, the other goes round at once", async () => {
  const prompts = [provider.says("latency_ms=500"), provider.says("latency_ms=500")];
  const answers = await Promise.all([ask(app, "round", prompts[0]), ask(other, "round", prompts[1])]);
  const models = [];
  for (const prompt of prompts) models.push((await provider.callOf(prompt)).model);
  assert.deepEqual(models.sort(), ["gpt-5-mini", "m"]);

  const nodes = [payments, risk];
  const went = await Promise.all(answers.map(async ({ id }, i) => ({ id, node: nodes[i], attempts: await attemptsOf(id, nodes[i]) })));
  const [around, served] = went.sort((a, b) => b.attempts.length - a.attempts.length);
  assert.deepEqual(served.attempts.map((a) => [a.target, a.fail, a.class]), [["around/m", "", ""]]);
  assert.deepEqual(around.attempts.map((a) => [a.target, a.fail, a.class, a.after]), [
    ["around/m", "upstream-capacity-throttled", "locally-throttled", ""],
    ["openai/gpt-5-mini", "", "", "locally-throttled"],
  ]);
  const { request } = await around.node.explain(around.id);
  assert.deepEqual([request.status, request.target, request.bucket], [200, "openai/gpt-5-mini", "egress provider around rpm"]);
  assert.deepEqual(await told(served.id), []);

  const [event, ...more] = await told(around.id);
  const theirs = (await egress.rows()).find((row) => row.request === around.id);
  assert.deepEqual(more, []);
  assert.deepEqual([event.kind, event.target, event.team, event.caller, event.group, event.bucket, event.outcome, event.waited_us],
    ["upstream-shaped", "around/m", around.node.name, theirs.caller, "round", "provider around rpm", "refused", 0]);
  assert.match(event.caller, /^c_|^[0-9a-f]/);
  assert.ok(!["app", "other"].includes(event.caller));
  assert.ok(event.retry_us > 0 && event.retry_us <= WAITS_MOST_S * 1e6);
  // Nothing is written of what was not called but that.
  assert.equal((await egress.rows()).filter((row) => row.request === around.id).length, 1);
});

story("nobody is left: each dialect is told when to come again, and who does is let in", async () => {
  await ask(app, "none", provider.says());
  const prompts = Object.keys(DIALECTS).map(() => provider.says());
  const answers = await Promise.all(Object.keys(DIALECTS).map((dialect, i) => saying(i === 1 ? other : app, dialect, "none", prompts[i])));
  const waits = [];
  for (const [i, dialect] of Object.keys(DIALECTS).entries()) {
    const { status, headers, json, id } = answers[i];
    const messages = dialect === "messages";
    assert.deepEqual([status, headers.get("x-router-error")], [messages ? 429 : 503, "upstream-capacity-throttled"], dialect);
    assert.equal(json.error.type, messages ? "rate_limit_error" : "requests");
    if (!messages) assert.equal(json.error.code, "rate_limit_exceeded");
    assert.match(json.error.message, /capacity that all share.*At the egress central: provider none rpm: the next place is free in about \d+ ms/);
    assert.equal(headers.get("x-should-retry"), null);
    assert.match(id, /^req_/);
    if (messages) assert.equal(headers.get("request-id"), id);
    waits.push(Number(headers.get("retry-after")));
    assert.deepEqual(await provider.calls(prompts[i]), []);
    assert.equal((await told(id))[0].outcome, "refused");
  }
  assert.ok(waits.every((wait) => wait >= 1 && wait <= 5), `${waits}`);
  await pause(Math.max(...waits) * 1000);
  await ask(app, "none", provider.says());
});

story("who has nobody else waits for its turn, and the rows say how long", async () => {
  const words = provider.says();
  const answers = await Promise.all(Array.from({ length: 4 }, (_, i) => ask(i % 2 ? app : other, "line", words)));
  assert.equal((await provider.calls(words)).length, 4);
  const events = (await Promise.all(answers.map(({ id }) => told(id)))).flat();
  // The first finds a place; on a busy machine more do.
  assert.ok(events.length >= 1 && events.length <= 3, `${events.length} waited`);
  for (const event of events) {
    assert.deepEqual([event.outcome, event.bucket, event.retry_us], ["queued", "provider line rpm", 0]);
    const row = (await egress.rows()).find((one) => one.request === event.request);
    assert.equal(row.queued_us, event.waited_us);
    assert.ok(row.queued_us > 0);
  }
});

story("who has another target does not wait for it, and waits for the last", async () => {
  await ask(app, "full", provider.says());
  await ask(app, "spare", provider.says());
  const { id } = await ask(app, "last", provider.says());
  const attempts = await attemptsOf(id);
  assert.deepEqual(attempts.map((a) => [a.target, a.fail]), [["full/m", "upstream-capacity-throttled"], ["spare/m", ""]]);
  const events = await told(id);
  assert.equal(events.filter((event) => event.outcome === "refused").length, 1);
  assert.ok(events.every((event) => event.outcome === "refused" || event.target === "spare/m"));
  // And to the team's own, of which the egress hears nothing.
  const home = await ask(app, "home", provider.says());
  assert.deepEqual((await attemptsOf(home.id)).map((a) => [a.target, a.egress, a.fail]),
    [["full/m", "central", "upstream-capacity-throttled"], ["near-wide/m", "", ""]]);
});

story("a line has an end: who comes to a full one is told so at once, and who leaves it leaves a place", async () => {
  await ask(app, "short", provider.says());
  const prompts = [app, other, app].map((caller) => [caller, provider.says()]);
  const streams = prompts.map(([caller, words]) => of(caller, "short").stream(words));
  const waits = await until("all but one are refused", () => {
    const left = streams.filter((stream) => !stream.over);
    return left.length === 1 && left[0];
  });
  for (const stream of streams.filter((one) => one !== waits)) {
    assert.equal(stream.error.headers.get("x-router-error"), "upstream-capacity-throttled");
    const [event] = await told(stream.id);
    assert.deepEqual([event.outcome, event.bucket, event.waited_us], ["refused", "provider short rpm", 0]);
  }
  await waits.hangUp();
  const gone = await until("it is gone", async () =>
    (await egress.events()).find((event) => event.target === "short/m" && event.outcome === "gone"));
  assert.ok(gone.waited_us > 0);
  for (const [, words] of prompts) assert.deepEqual(await provider.calls(words), []);
  const next = of(app, "short").stream(provider.says());
  await pause(300);
  assert.equal(next.over, undefined, "there is a place again");
  await next.hangUp();
});

story("Retry-After is the earliest of all targets that could serve it", async () => {
  for (const group of ["seldom", "often", "near-seldom", "near-often"]) await ask(app, group, provider.says());
  for (const group of ["rare-first", "rare-last", "own-sooner", "own-later"]) {
    const wait_s = await throttled(await refused(app, group, provider.says()));
    // The seldom ones would say more than half a minute.
    assert.ok(wait_s <= 10, `${group}: ${wait_s}`);
  }
});

story("one model has a bucket of its own", async () => {
  await ask(app, "model-m", provider.says());
  const error = await refused(app, "model-m", provider.says());
  await throttled(error, "model models/m rpm");
  assert.equal((await told(error.id))[0].bucket, "model models/m rpm");
  await ask(app, "model-n", provider.says());
  await ask(other, "model-n", provider.says());
});

// Each holds what a request may take, and gets back what it did not take.
const LONG = "word ".repeat(1200);
for (const [group, bucket, text, more] of [
  ["input", "input_tpm", LONG, { max_tokens: 10 }], ["output", "output_tpm", "", { max_tokens: 700 }],
  ["tokens", "tpm", LONG, { max_tokens: 900 }],
])
  story(`a bucket of ${bucket} holds what may come, and keeps what came`, async () => {
    const says = (script) => {
      const words = provider.says(script);
      return { ...words, text: `${words.text} ${text}` };
    };
    const first = of(app, group).stream(says("prompt=1 completion=1 tokens=4 interval_ms=500"), more);
    await first.heard(1);
    await throttled(await refused(other, group, says(), more), `provider ${group} ${bucket}`, risk, 1000);
    await first.end;
    assert.equal(first.error, null);
    // Long before it would by itself: the bucket has it all again.
    await ask(other, group, says("prompt=9000 completion=9000"), more);
    const error = await refused(app, group, says(), more);
    assert.ok(Number(error.headers.get("retry-after")) > 60, "what was taken beyond what was held is owed");
    assert.match(error.message, new RegExp(`provider ${group} ${bucket}`));
  });

// Requests that wait in a line whose turn would not come for minutes.
async function line(group, length = 4) {
  await ask(app, group, provider.says());
  const prompts = Array.from({ length }, () => provider.says("tokens=1"));
  const streams = prompts.map((prompt, i) => of(group.startsWith("near") || i % 2 ? app : other, group).stream(prompt));
  await pause(300);
  for (const prompt of prompts) assert.deepEqual(await provider.calls(prompt), []);
  return streams;
}

story("an account that grows by a reload serves those who wait already", async () => {
  for (const [member, group, file, provide] of [
    [egress, "grows", "egress/central.yaml", ({ providers }) => (providers.grows.shaping.rpm = 6000)],
    [egress, "freed", "egress/central.yaml", ({ providers }) => delete providers.freed.shaping],
    [payments, "near-grows", "node/payments.yaml", ({ providers }) => (providers["near-grows"].shaping.rpm = 6000)],
  ]) {
    const streams = await line(group);
    await topology.change(file, provide);
    assert.equal((await member.reload()).why, "");
    for (const stream of streams) assert.equal((await stream.end).error, null, group);
  }
});

// A slot that a request of the app holds; then others of the other team wait.
async function holdsSlot(script = "tokens=10000 interval_ms=20") {
  const words = provider.says(script);
  const stream = of(app, "slot").stream(words);
  await until("it is called", async () => (await provider.calls(words)).length === 1);
  return stream;
}

async function waitsForSlot() {
  const prompt = provider.says("tokens=1");
  const waits = ask(other, "slot", prompt);
  waits.catch(() => {});
  await pause(200);
  assert.deepEqual(await provider.calls(prompt), [], "the slot is taken");
  return { waits };
}

async function slotIsFreed({ waits }) {
  const { id } = await waits;
  const events = await told(id);
  assert.deepEqual(events.map((event) => [event.outcome, event.bucket]), [["queued", "provider slot concurrent"]]);
}

story("as many as may be are under way, and the next is told or waits", async () => {
  const words = provider.says("tokens=10000 interval_ms=20");
  const stream = of(app, "taken").stream(words);
  await until("it is called", async () => (await provider.calls(words)).length === 1);
  await throttled(await refused(other, "taken", provider.says()), "provider taken concurrent", risk);
  await stream.hangUp();
  await until("the slot is free", () => ask(other, "taken", provider.says()));

  const held = await holdsSlot("tokens=3 interval_ms=500");
  const waits = await waitsForSlot();
  await held.end;
  await slotIsFreed(waits);
});

story("who waits longer than a provider may is no failure of the provider", async () => {
  const held = await holdsSlot("tokens=10 interval_ms=500");
  const waits = await waitsForSlot();
  await held.end;
  await slotIsFreed(waits);
  const { attempts } = await risk.explain((await waits.waits).id);
  assert.deepEqual(attempts.map((a) => [a.target, a.fail]), [["slot/m", ""]]);
});

story("a caller who leaves gives its slot back, and who leaves the line never had one", async () => {
  const held = await holdsSlot();
  const prompt = provider.says();
  const leaves = of(other, "slot").stream(prompt);
  await pause(200);
  const waits = await waitsForSlot();
  await leaves.hangUp();
  await until("it is gone", async () => (await egress.events()).some((event) => event.target === "slot/m" && event.outcome === "gone"));
  await held.hangUp();
  await slotIsFreed(waits);
  assert.deepEqual(await provider.calls(prompt), []);
});

story("a provider that hangs gives its slot back", async () => {
  const held = await holdsSlot("tokens=5 stall_after=2");
  await slotIsFreed(await waitsForSlot());
  await held.end;
  assert.ok(held.error);
});

story("a provider that breaks off gives its slot back", async () => {
  const held = await holdsSlot("tokens=5 interval_ms=500 reset_after=2");
  await slotIsFreed(await waitsForSlot());
  await held.end;
  assert.ok(held.error);
});

story("a node that is killed gives its slots back", async () => {
  await holdsSlot();
  const waits = await waitsForSlot();
  await payments.kill();
  await slotIsFreed(waits);
  await payments.start();
});

story("a link that is cut gives its slots back", async () => {
  const held = await holdsSlot();
  const prompt = provider.says();
  const waits = ask(other, "slot", prompt);
  waits.catch(() => {});
  await pause(200);
  lab.link.cut();
  await held.end;
  assert.ok(held.error);
  await waits.catch(() => {});
  await until("the slot is free", async () => ask(other, "slot", provider.says()));
  await payments.ready();
});

story("what is counted is what the rows say", async () => {
  const events = await egress.events(10_000);
  assert.ok(events.every((event) => event.kind === "upstream-shaped"));
  assert.equal((await egress.counters()).gsr_upstream_shaped_total, events.length);
  for (const event of events)
    assert.deepEqual([event.retry_us > 0, event.waited_us > 0], [event.outcome === "refused", event.outcome !== "refused"], JSON.stringify(event));
  const rows = await egress.rows(10_000);
  const waited = events.filter((event) => event.outcome === "queued");
  for (const event of waited)
    assert.ok(rows.some((row) => row.request === event.request && row.target === event.target && row.queued_us === event.waited_us));
  for (const node of [payments, risk])
    await until("receipts agree", async () => (await node.verify()).code === 0);
});

story("an egress that stops lets go of its line, and begins with empty buckets", async () => {
  const streams = await line("ends");
  assert.equal((await egress.stop()).code, 0);
  for (const stream of streams) assert.match((await stream.end).error.message, /shutting down|cannot be reached/);
  await egress.start();
  for (const node of [payments, risk]) await node.ready();
  const prompt = provider.says();
  const next = of(app, "ends").stream(prompt);
  await pause(300);
  assert.deepEqual([next.over, await provider.calls(prompt)], [undefined, []]);
  await next.hangUp();
});
