// Bursts are smoothed for a caller and for a group, and what many share at an
// account of the node's own is shared fairly.  One worker, so that the order
// in which requests came is the order of their rows.
import assert from "node:assert/strict";

import { Caller, exportBoth, exported, mesh, pause, saying, story, until } from "./lab.mjs";

const REAL = "prompt=30 tokens=1 completion=10";
const CAP = 100;
const account = (url, shaping, models = { m: {}, n: {} }) => ({
  type: "vllm", base_url: url, api_key: "secret/own", shaping,
  models: Object.fromEntries(Object.entries(models).map(([name, more]) => [name, { price: { input: 1, output: 4 }, ...more }])),
});
const to = (...targets) => ({ strategy: targets.length > 1 ? "failover" : "static", targets, max_output: CAP });

const lab = await mesh({
  workers: 1,
  node: {
    tiers: {
      agent: { shaping: { rpm: 120, burst: 12, queue: "8s" } },
      shallow: { shaping: { rpm: 6, burst: 1, queue: "1m", queue_depth: 3 } },
      strict: { shaping: { rpm: 6, burst: 2 } },
      patient: { shaping: { rpm: 60, burst: 1, queue: "1m" } },
      input: { shaping: { input_tpm: 600, token_burst: 60 } },
      output: { shaping: { output_tpm: 600, token_burst: 150 } },
      tokens: { shaping: { tpm: 600, token_burst: 150 } },
      slots: { shaping: { concurrent: 2, queue: "30s" } },
    },
  },
  upstreams: ({ url }) => ({
    busy: account(url, { rpm: 1, burst: 2, queue: "0s" }),
    calm: account(url, { rpm: 20, burst: 2, queue: "20s" }),
    full: account(url, { rpm: 6, burst: 1, queue: "0s" }),
    parted: account(url, { rpm: 6000, burst: 100, queue: "0s" }, { m: { shaping: { rpm: 6, burst: 1, queue: "0s" } }, n: {} }),
    fair: account(url, { rpm: 900, burst: 1, queue: "2m" }),
    crowded: account(url, { rpm: 30, burst: 1, queue: "20s", queue_depth: 3 }),
  }),
  groups: {
    plain: to("own/gpt-oss"),
    shared: { ...to("own/gpt-oss"), shaping: { rpm: 6, burst: 3 } },
    around: to("busy/m", "own/gpt-oss"),
    last: to("busy/n", "calm/m"),
    none: to("busy/m", "full/m"),
    parted: to("parted/m"), whole: to("parted/n"),
    fair: to("fair/m"),
    crowded: to("crowded/m"),
  },
});
const { node, provider } = lab;
const GROUPS = ["plain", "shared", "around", "last", "none", "parted", "whole", "fair", "crowded"];
let taken = 0;
const callerOf = async (tier, group = "plain") => {
  const name = `c${taken++}`;
  return Object.assign(await node.caller(name, { groups: GROUPS, model: group, tier }), { name });
};
const as = (caller, group) => new Caller(node, caller.token, group);

// Many at once; each with its status, its row's id and what it was told.
const burst = (caller, prompts, more = {}) => Promise.all(prompts.map((prompt) => saying(caller, "chat", caller.model, prompt, more)));
const prompts = (count, script = REAL) => Array.from({ length: count }, () => provider.says(script));
const waitOf = ({ headers }) => Number(headers.get("retry-after"));
const rowsOf = async (answers) => {
  const rows = new Map((await node.rows(5000)).map((row) => [row.id, row]));
  return answers.map(({ id }) => rows.get(id));
};
const eventsOf = async (answers) => {
  const ids = new Set(answers.map(({ id }) => id));
  return (await node.events(5000)).filter(({ request }) => ids.has(request));
};
// The requests in the order in which they were let go.
const startsOf = async (answers) => {
  const ids = new Set(answers.map(({ id }) => id));
  return exported((await exportBoth(lab, "--kinds", "attempt")).node, "attempt").filter(({ request }) => ids.has(request))
    .sort((a, b) => (a.started_at < b.started_at ? -1 : 1)).map(({ request }) => request);
};

function isShaped(answer, bucket) {
  assert.equal(answer.status, 429, answer.text);
  assert.equal(answer.headers.get("x-router-error"), "traffic-shaped");
  assert.equal(answer.json.error.code, "rate_limit_exceeded");
  assert.ok(answer.json.error.message.includes(`${bucket}: the next place is free in about `), answer.json.error.message);
  assert.match(answer.headers.get("retry-after"), /^[1-9]\d*$/);
}

story("of an agent's burst a dozen go at once, what can wait eight seconds waits in turn, the rest is told when", async () => {
  const agent = await callerOf("agent");
  const all = prompts(60);
  const began = Date.now();
  let refused_by = began;
  const answers = await Promise.all(all.map(async (prompt) => {
    const answer = await saying(agent, "chat", "plain", prompt);
    if (answer.status !== 200) refused_by = Date.now();
    return answer;
  }));
  // Two a second: so many more came free while they were coming in.
  const late = Math.floor((refused_by - began) / 500);
  const rows = await rowsOf(answers);
  const waited = rows.filter((row) => row.status === 200 && row.queued_us > 0);
  const at_once = rows.filter((row) => row.status === 200 && row.queued_us === 0);
  const refused = answers.filter(({ status }) => status !== 200);
  const [now, later] = [at_once.length, waited.length];
  assert.ok(now >= 12 && now <= 12 + late && now + later >= 28 && now + later <= 28 + late, `${now} at once, ${later} waited, ${late} late`);
  for (const answer of refused) {
    isShaped(answer, `caller ${agent.name} rpm`);
    assert.ok(waitOf(answer) >= 8 && waitOf(answer) <= 9, `it says ${waitOf(answer)}`);
  }
  // First in, first out, and none of those that waited before one that did not.
  const came = (some) => some.toSorted((a, b) => (a.received_at < b.received_at ? -1 : 1)).map(({ id }) => id);
  assert.deepEqual((await startsOf(answers)).slice(now), came(waited));
  assert.ok(waited.every(({ bucket }) => bucket === `caller ${agent.name} rpm`));
  const events = await eventsOf(answers);
  assert.ok(events.every(({ kind, bucket, caller }) => kind === "traffic-shaped" && bucket === `caller ${agent.name} rpm` && caller === agent.name));
  const count = (outcome) => events.filter((event) => event.outcome === outcome).length;
  assert.deepEqual([count("queued"), count("refused"), count("gone")], [waited.length, refused.length, 0]);
  for (const { id, queued_us } of waited) assert.equal(events.find(({ request }) => request === id).waited_us, queued_us);
  const longest = Math.max(...waited.map(({ queued_us }) => queued_us));
  assert.ok(longest > 7_000_000, `nobody waited for longer than ${longest} us`);
});

story("a queue is as deep as it says, and who leaves it makes room", async () => {
  const caller = await callerOf("shallow");
  await caller.ask(provider.says(REAL));
  const all = prompts(4).map((prompt) => ({ prompt, listening: caller.stream(prompt) }));
  const refused = await until("one of four is too many", () => all.find(({ listening }) => listening.over));
  const { error } = refused.listening;
  assert.match(error.message, new RegExp(`caller ${caller.name} rpm: the next place is free in about`));
  // Three are before it, and one goes each ten seconds.
  const wait = Number(error.headers.get("retry-after"));
  assert.ok(wait > 30 && wait <= 40, `it says ${wait} s`);
  const [leaves, ...stay] = all.filter((one) => one !== refused);
  assert.ok(stay.every(({ listening }) => !listening.over));
  await leaves.listening.hangUp();
  const gone = await until("it is written down", async () =>
    (await node.events(50)).find(({ outcome, caller: who }) => outcome === "gone" && who === caller.name));
  assert.equal(gone.bucket, `caller ${caller.name} rpm`);
  assert.ok(gone.waited_us > 0);
  const row = (await node.rows(20)).find(({ id }) => id === gone.request);
  assert.deepEqual([row.fail, row.attempts, row.bucket, row.queued_us], ["client-gone", 0, gone.bucket, gone.waited_us]);
  // Its place is another's, behind those that are left.
  const next = caller.stream(provider.says(REAL));
  await Promise.race(stay.map(({ listening }) => listening.end));
  assert.equal(next.over, undefined, "it waits where there was no room before");
  assert.equal((await provider.calls(leaves.prompt)).length + (await provider.calls(refused.prompt)).length, 0);
  await Promise.all([...stay.map(({ listening }) => listening), next].map((one) => one.hangUp()));
});

story("without a queue what does not fit is refused at once, and let in when it was told", async () => {
  const caller = await callerOf("strict");
  const answers = await burst(caller, prompts(10));
  assert.equal(answers.filter(({ status }) => status === 200).length, 2);
  const refused = answers.filter(({ status }) => status !== 200);
  for (const answer of refused) isShaped(answer, `caller ${caller.name} rpm`);
  assert.ok((await rowsOf(refused)).every(({ queued_us, attempts }) => queued_us === 0 && attempts === 0));
  const wait = waitOf(refused.at(-1));
  assert.ok(wait <= 10, `it says ${wait} s`);
  await pause(wait * 1000);
  await caller.ask(provider.says(REAL));
});

story("each bucket of tokens smooths what it counts", async () => {
  const smooths = async ([tier, bucket]) => {
    const caller = await callerOf(tier);
    const cap = { max_tokens: CAP };
    // What it really took counts in the end.
    const first = await saying(caller, "chat", "plain", provider.says("prompt=130 tokens=1 completion=150"), cap);
    assert.equal(first.status, 200, first.text);
    // The same words once more: what they are estimated at is the same.
    const prompt = provider.says(REAL);
    const second = await saying(caller, "chat", "plain", prompt, cap);
    isShaped(second, `caller ${caller.name} ${bucket}`);
    const wait = waitOf(second);
    assert.ok(wait >= 2 && wait <= 30, `${bucket} says ${wait} s`);
    await pause(wait * 1000);
    await caller.ask(prompt, cap);
  };
  await Promise.all([["input", "input_tpm"], ["output", "output_tpm"], ["tokens", "tpm"]].map(smooths));
});

story("who waits for a slot has it when one is free", async () => {
  const caller = await callerOf("slots");
  const open = [0, 1].map(() => caller.stream(provider.stallsAfter(1)));
  for (const one of open) await one.heard(1);
  const prompt = provider.says(REAL);
  const third = caller.ask(prompt);
  const settled = await Promise.race([third, pause(500).then(() => "waits")]);
  assert.equal(settled, "waits");
  assert.equal((await provider.calls(prompt)).length, 0);
  await open[0].hangUp();
  const { id } = await third;
  await open[1].hangUp();
  const row = (await node.rows(20)).find((one) => one.id === id);
  assert.equal(row.bucket, `caller ${caller.name} concurrent`);
  assert.ok(row.queued_us > 0);
});

story("a group's bursts are smoothed over all its callers", async () => {
  const two = [await callerOf(undefined, "shared"), await callerOf(undefined, "shared")];
  const answers = (await Promise.all(two.map((caller) => burst(caller, prompts(5))))).flat();
  assert.equal(answers.filter(({ status }) => status === 200).length, 3);
  for (const answer of answers.filter(({ status }) => status !== 200)) isShaped(answer, "group shared rpm");
  // Nobody else's.
  assert.equal((await saying(two[0], "chat", "plain", provider.says(REAL))).status, 200);
});

story("who finds an account in use is routed around it at once", async () => {
  const two = [await callerOf(undefined, "around"), await callerOf(undefined, "around")];
  const answers = (await Promise.all(two.map((caller) => burst(caller, prompts(6))))).flat();
  assert.ok(answers.every(({ status }) => status === 200));
  const rows = await rowsOf(answers);
  assert.equal(rows.filter(({ target }) => target === "busy/m").length, 2);
  assert.equal(rows.filter(({ target, attempts }) => target === "own/gpt-oss" && attempts === 1).length, 10);
  const events = await eventsOf(answers);
  assert.equal(events.length, 10);
  assert.ok(events.every(({ kind, outcome, bucket, target }) =>
    kind === "upstream-shaped" && outcome === "refused" && bucket === "provider busy rpm" && target === "busy/m"));
});

story("for the last target it waits in the queue", async () => {
  const caller = await callerOf(undefined, "last");
  // The account is the same for both of its models.
  await until("the account is in use", async () => (await rowsOf([await saying(caller, "chat", "last", provider.says(REAL))]))[0].target === "calm/m");
  const answers = await burst(caller, prompts(5));
  assert.ok(answers.every(({ status }) => status === 200));
  const rows = await rowsOf(answers);
  const events = await eventsOf(answers);
  assert.ok(rows.every(({ target }) => target === "calm/m"));
  const queued = events.filter(({ outcome }) => outcome === "queued");
  assert.ok(queued.length >= 3, `${queued.length} waited`);
  assert.ok(queued.every(({ bucket, waited_us, target }) => bucket === "provider calm rpm" && waited_us > 0 && target === "calm/m"));
  for (const { request, waited_us } of queued) {
    const { attempts } = await node.explain(request);
    assert.equal(attempts[0].queued_us, waited_us);
  }
});

story("where none is left the answer says when the first would let it in", async () => {
  const caller = await callerOf(undefined, "none");
  let refused;
  await until("both accounts are in use", async () => {
    refused = await saying(caller, "chat", "none", provider.says(REAL));
    return refused.status !== 200;
  });
  assert.equal(refused.status, 503, refused.text);
  assert.equal(refused.headers.get("x-router-error"), "upstream-capacity-throttled");
  assert.match(refused.headers.get("x-request-id"), /^req_/);
  assert.equal(refused.headers.get("x-should-retry"), null);
  const [events, [row]] = [await eventsOf([refused]), await rowsOf([refused])];
  assert.deepEqual([row.fail, row.attempts, row.cost_microusd], ["upstream-capacity-throttled", 0, 0]);
  assert.deepEqual(events.map(({ target }) => target).sort(), ["busy/m", "full/m"]);
  const soonest = Math.min(...events.map(({ retry_us }) => retry_us));
  assert.equal(waitOf(refused), Math.ceil(Math.ceil(soonest / 1000) / 1000));
  await pause(waitOf(refused) * 1000);
  assert.equal((await saying(caller, "chat", "none", provider.says(REAL))).status, 200);
  const messages = await until("they are in use again", async () => {
    const answer = await saying(caller, "messages", "none", provider.says(REAL));
    return answer.status !== 200 && answer;
  });
  assert.deepEqual([messages.status, messages.json.error.type], [429, "rate_limit_error"]);
});

story("what a model has of its account is its own", async () => {
  const caller = await callerOf(undefined, "parted");
  const one = await burst(caller, prompts(3));
  assert.equal(one.filter(({ status }) => status === 200).length, 1);
  assert.equal(one.find(({ status }) => status !== 200).headers.get("x-router-error"), "upstream-capacity-throttled");
  const events = await eventsOf(one);
  assert.ok(events.every(({ bucket }) => bucket === "model parted/m rpm"), JSON.stringify(events[0]));
  const other = await burst(as(caller, "whole"), prompts(5));
  assert.ok(other.every(({ status }) => status === 200));
});

story("a full queue keeps no other caller out", async () => {
  const [noisy, light] = [await callerOf(undefined, "crowded"), await callerOf(undefined, "crowded")];
  const crowd = burst(noisy, prompts(8));
  await until("its queue is full", async () =>
    (await node.events(5000)).some(({ caller, outcome }) => caller === noisy.name && outcome === "refused"));
  const [prompt] = prompts(1);
  const [answer] = await burst(light, [prompt]);
  assert.equal(answer.status, 200, answer.text);
  // Who came when there was a place again is let in, too.
  const served = (await crowd).filter(({ status }) => status === 200).length;
  assert.ok(served >= 4 && served < 8, `${served} were served`);
});

// Jain's index of what each was served.
const jain = (served) => served.reduce((a, b) => a + b) ** 2 / (served.length * served.reduce((a, b) => a + b * b, 0));

story("a heavy caller and a light one have the same of an account, in tokens", async (t) => {
  const [heavy, light, loud] = [await callerOf(undefined, "fair"), await callerOf(undefined, "fair"), await callerOf(undefined, "fair")];
  // Different sizes, so that counting requests would not be fair.
  const kinds = [
    [heavy, 300, 120],
    [light, 100, 12],
    [loud, 100, 40],
  ];
  const mine = new Map();
  const all = [];
  const running = kinds.map(async ([caller, output, lanes]) => {
    let on = true;
    all.push(() => (on = false));
    await Promise.all(Array.from({ length: lanes }, async () => {
      while (on) {
        const prompt = provider.says(`prompt=30 tokens=1 completion=${output}`);
        mine.set(prompt.tag, { caller: caller.name, cost: 30 + output });
        await caller.ask(prompt, { max_tokens: output }).catch(() => {});
      }
    }));
  });
  await until("many were served", () => provider.log().filter(({ tag }) => mine.has(tag)).length >= 220, 200_000);
  const served = {};
  // Without the first ones: not all were there yet.
  for (const { tag } of provider.log().filter(({ tag }) => mine.has(tag)).slice(20, 220)) {
    const { caller, cost } = mine.get(tag);
    served[caller] = (served[caller] ?? 0) + cost;
  }
  for (const stop of all) stop();
  const index = jain(Object.values(served));
  t.diagnostic(`${JSON.stringify(served)}: ${index.toFixed(4)}`);
  assert.equal(Object.keys(served).length, 3);
  assert.ok(index >= 0.95, `Jain's index is ${index}: ${JSON.stringify(served)}`);
  await Promise.all(running);
});
