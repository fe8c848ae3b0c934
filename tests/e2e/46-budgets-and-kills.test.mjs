// Budgets: what a call may cost is what it is sent with, the last unit goes to
// one, every way out gives back what was held, and kill -9 reopens nothing.
import assert from "node:assert/strict";

import { Caller, exportBoth, exported, Load, mesh, pause, sanitized, saying, story, until } from "./lab.mjs";

const RACE_MS = Number(process.env.GSR_RACE_MS ?? 10_000);
// What all of them leave behind has to fit into one listing of rows.
const ROUNDS = 3;
const RACERS = sanitized ? 200 : 1000;
const KILLS = Math.ceil(Number(process.env.GSR_KILLS ?? 24) / 4);
// What a budget holds of the output of a request that asks for more.
const HELD = 32_000;
const CAP = 400;
const REAL = "prompt=300 tokens=3 completion=100";
const TOKENS = 400;
// A provider that says no, asked once and never left alone for it.
const NO = "status=503 header=X-Router-Error:overloaded";
const MUCH = 1_000_000_000;
const DEAR = { input: 100, output: 400 };
const model = { price: { input: 1, output: 4 } };

const lab = await mesh({
  alone: 1,
  node: {
    tiers: {
      once: { budget: { lifetime_requests: 1 } }, single: { limits: { concurrent: 1 } },
      rich: { budget: { lifetime_usd: 1000 } }, tight: { budget: { lifetime_tokens: 1000 } },
      waits: { shaping: { rpm: 6, burst: 1, queue: "20s" }, budget: { lifetime_usd: 1000 } },
      few: { limits: { rpm: 2 } }, paced: { shaping: { rpm: 2, burst: 2 } },
    },
    projects: { mixed: { limits: { concurrent: 8 }, budget: { lifetime_tokens: MUCH } } },
  },
  upstreams: ({ url }) => ({
    claude: { type: "anthropic", base_url: url, api_key: "secret/own", models: { m: model } },
    wild: { type: "vllm", base_url: url, api_key: "secret/own", models: { m: model, dear: { price: DEAR } } },
  }),
  groups: {
    claude: { strategy: "static", targets: ["claude/m"] },
    short: { strategy: "static", targets: ["claude/m"], max_output: 5000 },
    small: { strategy: "static", targets: ["own/gpt-oss"], max_output: CAP },
    far: { strategy: "static", targets: ["openai/gpt-5-mini"], max_output: CAP },
    wild: { strategy: "static", targets: ["wild/m"], max_output: CAP },
    pair: { strategy: "failover", targets: ["claude/m", "own/gpt-oss"], max_output: CAP },
    dear: { strategy: "failover", targets: ["wild/dear", "own/gpt-oss"], max_output: CAP },
    hasty: { strategy: "static", targets: ["wild/m"], max_output: CAP, timeouts: { total: "1s" } },
    narrow: { strategy: "static", targets: ["own/gpt-oss"], max_output: CAP, shaping: { rpm: 1, burst: 1 } },
  },
});
const { egress, node, provider, topology } = lab;
const GROUPS = ["claude", "short", "small", "far", "wild", "pair", "dear", "hasty", "narrow", "own", "assistant"];
let taken = 0;
const callerOf = (whose = {}, group = "small") => node.caller(`c${taken++}`, { groups: GROUPS, model: group, ...whose });
const as = (caller, group) => new Caller(node, caller.token, group);

async function change(edit) {
  await topology.change("node/payments.yaml", edit);
  const { refused, why } = await node.reload();
  assert.equal(refused, false, why);
}

// What a project's budget has, in tokens, as the node itself tells: it is
// refused everything for a moment.
async function standing(project, caller) {
  const was = structuredClone(topology.files["node/payments.yaml"].projects[project]);
  await change((file) => (file.projects[project] = { budget: { lifetime_tokens: 1 } }));
  // By a group that needs no egress: there may be none.
  const error = await as(caller, "small").refused("hello");
  await change((file) => (file.projects[project] = was));
  const [, spent, held] = error.message.match(new RegExp(`project ${project} lifetime_tokens: 1 tokens, of which (\\d+) are spent and (\\d+) held`));
  return { spent: Number(spent), held: Number(held) };
}

const rowsOf = async (project) => (await node.rows(100_000)).filter((row) => row.project === project);
const sum = (rows, column) => rows.reduce((all, row) => all + row[column], 0);

story("a call is sent with no larger cap than what a budget holds for it", async () => {
  const free = await callerOf();
  const rich = await callerOf({ tier: "rich" });
  const sent = async (caller, dialect, group, more) => {
    const prompt = provider.says("prompt=20 tokens=1");
    const answer = await saying(caller, dialect, group, prompt, more);
    assert.equal(answer.status, 200, answer.text);
    const row = (await node.rows(10)).find(({ id }) => id === answer.id);
    const body = JSON.parse(await provider.bodyOf(await provider.callOf(prompt)));
    const cap = body.max_tokens ?? body.max_completion_tokens ?? body.max_output_tokens;
    return { cap, held: row.held_tokens - (row.held_tokens > 0 ? row.estimated_tokens : 0) };
  };
  const much = { max_tokens: 128_000 };
  assert.deepEqual(await sent(free, "messages", "claude", much), { cap: 128_000, held: 0 });
  assert.deepEqual(await sent(rich, "messages", "claude", much), { cap: HELD, held: HELD });
  assert.deepEqual(await sent(rich, "messages", "claude", { max_tokens: 1000 }), { cap: 1000, held: 1000 });
  assert.deepEqual(await sent(rich, "messages", "short", much), { cap: 5000, held: 5000 });
  assert.deepEqual(await sent(free, "messages", "short", much), { cap: 5000, held: 0 });
  // Also in other dialects, through an egress, and where no cap was asked for.
  for (const group of ["own", "assistant"]) {
    assert.deepEqual(await sent(free, "chat", group, {}), { cap: undefined, held: 0 });
    assert.deepEqual(await sent(rich, "chat", group, {}), { cap: HELD, held: HELD });
    assert.deepEqual(await sent(rich, "messages", group, much), { cap: HELD, held: HELD });
    assert.deepEqual(await sent(rich, "responses", group, { max_output_tokens: 128_000 }), { cap: HELD, held: HELD });
    // Each of several choices may take all of it.
    assert.deepEqual(await sent(rich, "chat", group, { n: 3, max_tokens: 1000 }), { cap: 1000, held: 3000 });
    assert.deepEqual(await sent(rich, "chat", group, { n: 3 }), { cap: HELD, held: 3 * HELD });
  }
});

story("a provider that ignores its cap makes an overdraft, which blocks the next request", async () => {
  const caller = await callerOf({ tier: "tight" });
  const before = await node.counters();
  const { id } = await caller.ask(provider.says("prompt=300 tokens=1 completion=5000"));
  const error = await caller.refused(provider.says(REAL));
  assert.match(error.message, /lifetime_tokens: 1000 tokens, of which 5300 are spent and 0 held/);
  const event = (await until("its row is there", async () =>
    (await node.events()).filter(({ kind, request }) => kind === "overdraft" && request === id)))[0];
  const row = (await node.rows(10)).find((one) => one.id === id);
  assert.deepEqual([event.outcome, event.bucket, event.caller, event.target],
    [`${5300 - row.held_tokens} tokens, ${(row.cost_microusd - row.held_microusd) / 1e6} USD`, "usd", row.caller, "own/gpt-oss"]);
  const after = await node.counters();
  assert.equal(after.gsr_overdrafts_total - before.gsr_overdrafts_total, 1);
  assert.equal(after.gsr_overdraft_microusd_total - before.gsr_overdraft_microusd_total, row.cost_microusd - row.held_microusd);
});

story("each further attempt is held for beside what the earlier ones came to", async () => {
  const rich = await callerOf({ tier: "rich" });
  // The first target breaks off, also when it is asked once more; or once.
  for (const [group, script, targets] of [
    ["pair", "for_model=m cut_after=400b times=2", ["claude/m", "claude/m", "own/gpt-oss"]],
    ["small", "for_model=gpt-oss cut_after=400b times=1", ["own/gpt-oss", "own/gpt-oss"]],
  ]) {
    await provider.script(script);
    const { id } = await as(rich, group).ask(provider.says());
    const { request, attempts } = await node.explain(id);
    const came = attempts.map((row) => row.input_tokens + row.output_tokens);
    const before = came.slice(0, -1).reduce((a, b) => a + b);
    assert.deepEqual(attempts.map(({ target }) => target), targets);
    assert.ok(came[0] > 0);
    assert.equal(request.held_tokens, before + CAP + request.estimated_tokens, group);
    assert.equal(request.counted_tokens, before + came.at(-1), group);
    assert.ok(!(await node.events()).some((event) => event.kind === "overdraft" && event.request === id));
  }
});

story("a dearer target that comes back while a request waits is held for", async () => {
  const caller = await callerOf({ tier: "waits" }, "dear");
  const { id } = await caller.ask(provider.says(`for_model=dear status=429 body=rate retry_after=1`));
  assert.equal((await node.explain(id)).attempts.length, 2);
  const { id: next } = await caller.ask(provider.says(REAL));
  const { request } = await node.explain(next);
  assert.equal(request.target, "wild/dear");
  assert.ok(request.queued_us > 0);
  assert.equal(request.held_microusd, request.estimated_tokens * DEAR.input + CAP * DEAR.output);
});

story("rates begin as if they had been used when a node was killed", async () => {
  const used = await callerOf({ tier: "few" });
  const touched = await callerOf({ tier: "few" });
  const paced = await callerOf({ tier: "paced" });
  for (let i = 0; i < 2; i++) await used.ask(provider.says(REAL));
  await touched.ask(provider.says(REAL));
  for (let i = 0; i < 2; i++) await paced.ask(provider.says(REAL));
  await node.kill();
  await node.start();
  for (const [caller, fail] of [[used, "rate-limited"], [touched, "rate-limited"], [paced, "traffic-shaped"]]) {
    const error = await caller.refused(provider.says(REAL));
    assert.equal(error.router, fail);
    const wait = Number(error.headers.get("retry-after"));
    assert.ok(wait >= 1 && wait <= 30, `it says ${wait} s`);
  }
});

// Many at once, of which all but one are refused.  Over sockets of their own:
// a client of HTTP gives up a connection that a busy machine is long in making.
async function race(caller, prompt, fail) {
  let refused = 0;
  const sockets = Array.from({ length: RACERS }, () => caller.dial(prompt));
  const ends = sockets.map((socket) => new Promise((ok) => {
    let head = "";
    socket.setEncoding("latin1").on("data", (text) => (head += text)).on("close", () => {
      if (head.startsWith("HTTP/1.1 4") && head.includes(`X-Router-Error: ${fail}\r\n`)) refused++;
      else if (head !== "" && !head.startsWith("HTTP/1.1 200")) return ok(head);
      ok();
    });
  }));
  await until("all but one are refused", () => refused >= RACERS - 1, 120_000);
  // What is called is not hung up on before it is.
  await until("the one is called", async () => (await provider.calls(prompt)).length > 0);
  for (const socket of sockets) socket.destroy();
  assert.deepEqual((await Promise.all(ends)).filter(Boolean), []);
  assert.equal(refused, RACERS - 1);
  await provider.callsOf(prompt, 1);
}

story("of a thousand that want the last unit at once, one gets it", async (t) => {
  let rounds = 0;
  for (const end = Date.now() + RACE_MS; rounds === 0 || (rounds < ROUNDS && Date.now() < end); rounds++)
    await race(await callerOf({ tier: "once" }), provider.says("tokens=1 latency_ms=20"), "budget-exhausted");
  t.diagnostic(`${rounds} times ${RACERS} for a budget's last request`);
});

story("of a thousand that want the only slot at once, one gets it, and it is free again", async (t) => {
  const caller = await callerOf({ tier: "single" });
  let rounds = 0;
  for (const end = Date.now() + RACE_MS; rounds === 0 || (rounds < ROUNDS && Date.now() < end); rounds++) {
    await race(caller, provider.says("tokens=1 latency_ms=600000"), "concurrency-exceeded");
    await until("the slot is free", () => caller.ask(provider.says("tokens=1")));
  }
  t.diagnostic(`${rounds} times ${RACERS} for the only slot`);
});

// Each way that a request may end, and what ends it.
const EXITS = {
  answer: (caller) => caller.ask(provider.says(REAL)),
  stream: (caller) => caller.stream(provider.says(REAL)).end,
  far: (caller) => as(caller, "far").ask(provider.says(REAL)),
  refused: (caller) => as(caller, "wild").refused(provider.refuses(400, "invalid")),
  failed: (caller) => as(caller, "wild").refused(provider.says(NO)),
  deadline: (caller) => as(caller, "hasty").refused(provider.says("latency_ms=30000")),
  "hang-up": (caller) => as(caller, "wild").refused(provider.says("reset_after=0b")),
  broken: (caller) => as(caller, "wild").stream(provider.breaksAfter(1, REAL)).end,
  shaped: (caller) => as(caller, "narrow").ask(provider.says(REAL)).catch((error) => assert.equal(error.status, 429)),
  async "gone before"(caller) {
    const prompt = provider.says("latency_ms=30000");
    const socket = caller.dial(prompt);
    await until("it is there, or refused", async () => (await provider.calls(prompt)).length > 0 || socket.bytesRead > 0);
    socket.destroy();
  },
  async "gone after"(caller) {
    const listening = caller.stream(provider.says(`${REAL} interval_ms=5000`));
    await listening.heard(1);
    await listening.hangUp();
  },
  async "far, and gone"(caller) {
    const listening = as(caller, "far").stream(provider.says(`${REAL} interval_ms=5000`));
    await listening.heard(1);
    await listening.hangUp();
  },
};

story("every way out of two hundred gives back its slot and what was held", async (t) => {
  const caller = await callerOf({ project: "mixed" });
  const names = Object.keys(EXITS);
  const ended = {};
  let next = 0;
  // More than have room: some are refused for the slots themselves.
  const busy = Array.from({ length: 9 }, async () => {
    while (next < 200) {
      const name = names[(next++ * 7) % names.length];
      await EXITS[name](caller);
      ended[name] = (ended[name] ?? 0) + 1;
    }
  });
  await Promise.allSettled(busy).then((all) => {
    const odd = all.find(({ reason }) => reason && reason.status !== 429);
    if (odd) throw odd.reason;
  });
  await until("no call is open", async () => (await provider.count()).open_calls === 0);
  const full = [];
  await until("all eight slots are free", async () => {
    while (full.length < 8) {
      const listening = caller.stream(provider.stallsAfter(1));
      await listening.heard(1);
      if (listening.error) throw listening.error;
      full.push(listening);
    }
    return true;
  });
  assert.match((await caller.refused(provider.says(REAL))).message, /project mixed concurrent: 8 requests at a time, and 8 are under way/);
  for (const one of full) await one.hangUp();
  await until("nothing is held", async () => (await standing("mixed", caller)).held === 0);
  const rows = await rowsOf("mixed");
  const { spent } = await standing("mixed", caller);
  assert.equal(spent, sum(rows, "counted_tokens"), "what is spent is what the rows say");
  const fails = new Set(rows.map(({ fail }) => fail));
  for (const fail of ["", "client-gone", "upstream-timeout", "traffic-shaped", "upstream-failed", "provider-refused"])
    assert.ok(fails.has(fail), `none ended with '${fail}': ${[...fails].join(", ")}`);
  t.diagnostic(JSON.stringify(ended));
});

story("a drain gives back what was held, and what was spent stays", async () => {
  await change((file) => (file.projects.drained = { budget: { lifetime_tokens: MUCH } }));
  const caller = await callerOf({ project: "drained" });
  const open = Array.from({ length: 5 }, () => caller.stream(provider.says(`${REAL} interval_ms=60000`)));
  for (const one of open) await one.heard(1);
  assert.ok((await standing("drained", caller)).held >= 5 * CAP);
  await node.stop();
  for (const one of open) await one.end;
  await node.start();
  const { spent, held } = await standing("drained", caller);
  const rows = await rowsOf("drained");
  assert.equal(held, 0);
  assert.equal(spent, sum(rows, "counted_tokens"));
  assert.ok(rows.filter(({ attempts }) => attempts === 1).every(({ state }) => state === "settled"));
});

story("after kill -9 what was held counts as spent, until a receipt says what it was", async () => {
  await change((file) => {
    file.projects.near = { budget: { lifetime_tokens: MUCH } };
    file.projects.there = { budget: { lifetime_tokens: MUCH } };
  });
  const near = await callerOf({ project: "near" });
  const there = await callerOf({ project: "there" }, "far");
  const open = (caller) => Array.from({ length: 25 }, () => caller.stream(provider.says(`${REAL} interval_ms=60000`)));
  const all = [...open(near), ...open(there)];
  for (const one of all) await one.heard(1);
  await node.kill();
  for (const one of all) await one.end;
  lab.link.close();
  await node.start({ ready: false });
  for (const [project, caller] of [["near", near], ["there", there]]) {
    const { spent, held } = await standing(project, caller);
    const rows = (await rowsOf(project)).filter(({ state }) => state === "interrupted");
    assert.equal(rows.length, 25);
    assert.ok(rows.every((row) => row.held_tokens === CAP + row.estimated_tokens && row.counted_tokens === row.held_tokens && row.counted));
    assert.deepEqual([spent, held], [sum(rows, "held_tokens"), 0], project);
  }
  lab.link.heal();
  await node.ready();
  const real = await until("the receipts have come", async () => {
    const rows = (await rowsOf("there")).filter(({ counted }) => counted);
    return rows.every(({ state }) => state === "resettled") && rows;
  });
  const { spent } = await standing("there", there);
  assert.equal(spent, sum(real, "counted_tokens"));
  assert.ok(real.every((row) => row.counted_tokens === row.input_tokens + row.output_tokens && row.counted_tokens < row.held_tokens));
  const rows = Object.groupBy(await egress.rows(1000), (row) => row.request);
  for (const row of real) assert.equal(row.counted_tokens, rows[row.id][0].input_tokens + rows[row.id][0].output_tokens);
});

story("a node killed again and again under load never lets more in than its budget", async (t) => {
  const most = 150 * TOKENS;
  await change((file) => (file.projects.killed = { budget: { lifetime_tokens: most } }));
  const near = await callerOf({ project: "killed" });
  const there = await callerOf({ project: "killed" }, "far");
  const load = new Load([near, there, near, there, near, there], { script: `${REAL} interval_ms=10` });
  for (let i = 0; i < KILLS; i++) {
    await pause(50 + (i % 5) * 60);
    await node.kill();
    await node.start();
  }
  await load.stop();
  const mine = new Set(load.asked);
  let served = load.asked.length - load.failed.length;
  await until("all receipts have come", async () => {
    const { egress } = await exportBoth(lab, "--kinds", "open,outbox");
    return ["open", "outbox"].every((kind) => exported(egress, kind).length === 0);
  }, 120_000);
  assert.equal((await node.verify()).code, 0);
  // What is left is used up, to the last request that fits.
  for (;;) {
    const prompt = provider.says(REAL);
    mine.add(prompt.tag);
    const { status, headers } = await saying(near, "chat", "small", prompt);
    if (status === 200) {
      served++;
      continue;
    }
    assert.equal(headers.get("x-router-error"), "budget-exhausted");
    break;
  }
  const rows = await rowsOf("killed");
  const spent = sum(rows, "counted_tokens");
  assert.deepEqual(await standing("killed", near), { spent, held: 0 });
  const calls = provider.log().filter(({ tag }) => mine.has(tag)).length;
  assert.ok(served * TOKENS <= spent && spent <= most, `${served} served, ${spent} of ${most} counted`);
  assert.ok(calls <= served + KILLS * load.loops.length, `${calls} calls, ${served} served`);
  const interrupted = rows.filter(({ state }) => state === "interrupted").length;
  t.diagnostic(`${calls} calls, ${served} served, ${interrupted} interrupted rows, ${spent} of ${most} tokens counted`);
  // One token more than is left is too much, and all that is left is not.
  const prompt = provider.says("prompt=10 tokens=1");
  const left = most - spent;
  const { id } = await near.refused(prompt, { max_tokens: CAP });
  const { estimated_tokens } = (await node.rows(5)).find((row) => row.id === id);
  assert.ok(left > estimated_tokens, `${left} are left`);
  assert.equal((await near.refused(prompt, { max_tokens: left - estimated_tokens + 1 })).router, "budget-exhausted");
  await near.ask(prompt, { max_tokens: left - estimated_tokens });
});
