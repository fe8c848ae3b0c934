// Limits and budgets at the node: each level and each kind refuses with the
// right words, and nobody else pays for what was refused.
import assert from "node:assert/strict";

import { mesh, OWN_PRICE, pause, saying, story, until } from "./lab.mjs";

const LEVELS = ["node", "project", "user", "caller"];
// What each request here really takes, whoever is asked.
const INPUT = 300;
const OUTPUT = 100;
const TOKENS = INPUT + OUTPUT;
const COST = INPUT * OWN_PRICE.input + OUTPUT * OWN_PRICE.output;
const REAL = `prompt=${INPUT} tokens=1 completion=${OUTPUT}`;
const USD = 1_000_000;
// A body of these stories is estimated at less than this.
const BODY_MOST = 150;
const CAP = 400;

const WINDOWS = ["day", "month", "lifetime"];
const RATES = { rpm: { limits: { rpm: 30 } }, tpm: { limits: { tpm: 6000 } }, concurrent: { limits: { concurrent: 2 } } };
// Three requests fit: what is left then is less than what a fourth may take.
const SUMS = {
  requests: 3,
  tokens: 3 * TOKENS + CAP - 1,
  usd: (3 * COST + CAP * OWN_PRICE.output - 1) / USD,
};
const KINDS = {
  ...RATES,
  ...Object.fromEntries(WINDOWS.flatMap((window) => Object.entries(SUMS).map(([unit, most]) =>
    [`${window}_${unit}`, { budget: { [`${window}_${unit}`]: most } }]))),
};
const cells = (level) => Object.fromEntries(Object.entries(KINDS).map(([kind, terms]) =>
  [`${level}-${kind.replace("_", "-")}`, terms]));

const lab = await mesh({
  teams: ["payments"],
  node: {
    projects: { ...cells("project"), shared: { budget: { lifetime_requests: 5 } } },
    users: cells("user"),
    tiers: { ...cells("caller"), two: { budget: { lifetime_requests: 2 } } },
  },
  groups: {
    small: { strategy: "static", targets: ["own/gpt-oss"], max_output: CAP },
    held: { strategy: "static", targets: ["own/gpt-oss"], max_output: 5000 },
  },
});
const { node, provider, topology } = lab;
const GROUPS = ["small", "own", "held", "assistant"];

const other = await node.caller("other", { groups: GROUPS });
let taken = 0;
const callerOf = (level, name) => node.caller(`c${taken++}`, {
  groups: GROUPS, [level === "caller" ? "tier" : level]: name,
});
const limitOf = ({ limits, budget }) => Object.values(limits ?? budget)[0];
const spoken = (sum) => `${sum}`;

// Whose limit it is, as its text and its row name it.
const nameOf = (level, kind, name, caller) => [level, ...(level === "node" ? [] : [level === "caller" ? caller.name : name]), kind].join(" ");

// One refusal, in each dialect, with all that has to be right about it; gives
// how long the last was told to wait, and that one once more.
async function refusedEverywhere(caller, { fail, bucket, type, code, status, messages, text }) {
  const ids = [];
  let again;
  for (const dialect of ["chat", "responses", "messages"]) {
    const prompt = provider.says(REAL);
    again = () => saying(caller, dialect, "small", prompt, dialect === "messages" ? { max_tokens: CAP } : {});
    const answer = await again();
    const theirs = dialect === "messages";
    assert.equal(answer.status, theirs ? messages.status : status, `${bucket} in ${dialect}: ${answer.text}`);
    assert.equal(answer.headers.get("x-router-error"), fail, bucket);
    assert.equal(answer.json.error.type, theirs ? messages.type : type, bucket);
    assert.equal(answer.json.error.code, theirs ? undefined : code, bucket);
    assert.ok(answer.json.error.message.includes(bucket), `${bucket}: ${answer.json.error.message}`);
    assert.match(answer.json.error.message, text, bucket);
    if (fail === "budget-exhausted") {
      assert.equal(answer.headers.get("retry-after"), null, bucket);
      assert.equal(answer.headers.get("x-should-retry"), "false", bucket);
    } else {
      assert.match(answer.headers.get("retry-after"), /^[1-9]\d*$/, bucket);
      assert.equal(answer.headers.get("x-should-retry"), null, bucket);
    }
    assert.equal((await provider.calls(prompt)).length, 0, `${bucket}: the provider was called`);
    ids.push({ id: answer.id, wait: Number(answer.headers.get("retry-after")) });
  }
  const rows = await node.rows(40);
  for (const { id } of ids) {
    const row = rows.find((one) => one.id === id);
    assert.deepEqual([row.bucket, row.fail, row.attempts, row.counted, row.counted_tokens], [bucket, fail, 0, false, 0], bucket);
  }
  return { wait: ids.at(-1).wait, again };
}

const RATE = { type: "requests", code: "rate_limit_exceeded", status: 429, messages: { status: 429, type: "rate_limit_error" } };
const SPENT = { type: "insufficient_quota", code: "insufficient_quota", status: 429, messages: { status: 402, type: "billing_error" } };

// Until the first is refused, and no more than could be let in meanwhile.
async function exhaust(caller, most, a_minute) {
  const began = Date.now();
  let let_in = 0;
  for (;;) {
    const { status } = await saying(caller, "chat", "small", provider.says(REAL));
    if (status !== 200) break;
    let_in++;
  }
  const more = Math.ceil(((Date.now() - began) / 60_000) * a_minute);
  assert.ok(let_in >= most && let_in <= most + more, `${let_in} of ${most} were let in`);
}

const TELLS = {
  // A minute's worth at once, then one each two seconds.
  async rpm(caller, bucket) {
    await exhaust(caller, 30, 30);
    const { wait, again } = await refusedEverywhere(caller, { ...RATE, fail: "rate-limited", bucket, text: /30 a minute/ });
    assert.ok(wait <= 2, `${bucket}: it says ${wait} s`);
    await pause(wait * 1000);
    assert.equal((await again()).status, 200, bucket);
  },
  // What it really took counts, also where that is more than there was.
  async tpm(caller, bucket) {
    await caller.ask(provider.says("prompt=5000 tokens=1 completion=100"), { max_tokens: 10 });
    await caller.ask(provider.says("prompt=1000 tokens=1 completion=100"), { max_tokens: 10 });
    const { wait, again } = await refusedEverywhere(caller, { ...RATE, fail: "rate-limited", bucket, text: /6000 a minute/ });
    // 200 too many; a small request reserves its body and its cap.
    assert.ok(wait >= 1 && wait <= 2 + (BODY_MOST + CAP) / 100 + 1, `${bucket}: it says ${wait} s`);
    await pause(wait * 1000);
    assert.equal((await again()).status, 200, bucket);
  },
  async concurrent(caller, bucket) {
    for (let round = 0; round < 2; round++) {
      const open = [0, 1].map(() => caller.stream(provider.stallsAfter(1)));
      for (const one of open) await one.heard(1);
      await refusedEverywhere(caller, { ...RATE, fail: "concurrency-exceeded", bucket, text: /2 requests at a time, and 2 are under way/ });
      for (const one of open) await one.hangUp();
      await until("both are over", async () => (await caller.ask(provider.says(REAL))).text);
    }
  },
  async budget(caller, bucket, kind, terms) {
    const most = limitOf(terms);
    for (let i = 0; i < 3; i++) await caller.ask(provider.says(REAL));
    const unit = kind.split("_")[1];
    const spent = { requests: "3", tokens: `${3 * TOKENS}`, usd: `${(3 * COST) / USD}` }[unit];
    const says = `${spoken(most)} ${unit === "usd" ? "USD" : unit}, of which ${spent} are spent and 0 held`;
    await refusedEverywhere(caller, { ...SPENT, fail: "budget-exhausted", bucket, text: new RegExp(says.replaceAll(".", "\\.")) });
  },
};

const tell = async (level, kind, terms) => {
  const name = `${level}-${kind.replace("_", "-")}`;
  const caller = await callerOf(level, name);
  caller.model = "small";
  caller.name = `c${taken - 1}`;
  const bucket = nameOf(level, kind, name, caller);
  await (TELLS[kind] ?? TELLS.budget)(caller, bucket, kind, terms);
};

for (const level of LEVELS.slice(1))
  story(`each limit of a ${level} refuses with its own words, and what was refused counts nowhere`, async () => {
    for (const [kind, terms] of Object.entries(KINDS)) await tell(level, kind, terms);
  });

// What the node's budgets have, by its rows.
async function counted() {
  const sum = { requests: 0, tokens: 0, usd: 0 };
  for (const row of await node.rows(100_000)) {
    sum.requests += row.counted ? 1 : 0;
    sum.tokens += row.counted_tokens;
    sum.usd += row.counted_microusd;
  }
  return sum;
}

async function withNode(edit) {
  await topology.change("node/payments.yaml", (file) => {
    delete file.limits;
    delete file.budget;
    Object.assign(file, edit);
  });
  const { refused, why } = await node.reload();
  assert.equal(refused, false, why);
}

story("the node's own limits hold all its callers, and come and go with a reload", async () => {
  for (const [kind, terms] of Object.entries(RATES)) {
    await withNode(terms);
    await TELLS[kind](Object.assign(other, { model: "small" }), `node ${kind}`);
  }
  for (const window of WINDOWS)
    for (const [unit, room] of Object.entries(SUMS)) {
      const spent = await counted();
      const kind = `${window}_${unit}`;
      const most = unit === "usd" ? (spent.usd + room * USD) / USD : spent[unit] + room;
      await withNode({ budget: { [kind]: Number(most.toFixed(6)) } });
      for (let i = 0; i < 3; i++) await other.ask(provider.says(REAL));
      await refusedEverywhere(other, { ...SPENT, fail: "budget-exhausted", bucket: `node ${kind}`, text: /are spent and 0 held/ });
    }
  await withNode({});
  assert.equal((await other.ask(provider.says(REAL))).text, "t0 ");
});

story("who is refused by its own limit leaves the others what was left", async () => {
  const greedy = await node.caller("greedy", { groups: GROUPS, model: "small", project: "shared", tier: "two" });
  const modest = await node.caller("modest", { groups: GROUPS, model: "small", project: "shared" });
  const all = await Promise.allSettled(Array.from({ length: 60 }, () => greedy.ask(provider.says(REAL))));
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 2);
  for (let i = 0; i < 3; i++) await modest.ask(provider.says(REAL));
  const error = await modest.refused(provider.says(REAL));
  assert.match(error.message, /project shared lifetime_requests: 5 requests, of which 5 are spent and 0 held/);
  // A budget that is spent is told before any other limit.
  assert.match((await greedy.refused(provider.says(REAL))).message, /lifetime_requests/);
});

story("what is held for a request under way is told, and given back when it is over", async () => {
  const name = "project-lifetime-tokens";
  await topology.change("node/payments.yaml", (file) => (file.projects.holding = { budget: { lifetime_tokens: 11_000 } }));
  assert.equal((await node.reload()).refused, false);
  const caller = await node.caller("holder", { groups: GROUPS, model: "held", project: "holding" });
  const open = [0, 1].map(() => caller.stream(provider.says("prompt=50 tokens=2 interval_ms=60000 completion=10")));
  for (const one of open) await one.heard(1);
  const error = await caller.refused(provider.says(REAL));
  assert.equal(error.router, "budget-exhausted", name);
  const held = Number(error.message.match(/11000 tokens, of which 0 are spent and (\d+) held/)[1]);
  assert.ok(held > 10_000 && held <= 10_000 + 2 * BODY_MOST, error.message);
  for (const one of open) await one.hangUp();
  await until("what was held is given back", async () => (await caller.ask(provider.says(REAL))).text);
});

story("what is under way at a reload is held to the new limits, and settles into them", async () => {
  const name = "changing";
  const becomes = async (terms) => {
    await topology.change("node/payments.yaml", (file) => (file.projects[name] = terms));
    assert.equal((await node.reload()).why, "");
  };
  await becomes({ limits: { concurrent: 3 }, budget: { lifetime_tokens: 20_000 } });
  const caller = await node.caller(name, { groups: GROUPS, model: "held", project: name });
  const open = [0, 1].map(() => caller.stream(provider.says("prompt=50 tokens=3 interval_ms=4000 completion=10")));
  for (const one of open) await one.heard(1);
  const says = async (text) => assert.match((await caller.refused(provider.says(REAL))).message, text);
  await becomes({ limits: { concurrent: 2 }, budget: { lifetime_tokens: 20_000 } });
  await says(/project changing concurrent: 2 requests at a time, and 2 are under way/);
  await becomes({ budget: { lifetime_tokens: 1000 } });
  await says(/project changing lifetime_tokens: 1000 tokens, of which 0 are spent and 10\d{3} held/);
  for (const one of open) assert.equal((await one.end).text, "t0 t1 t2 ");
  await says(/project changing lifetime_tokens: 1000 tokens, of which 120 are spent and 0 held/);
  await becomes({ budget: { lifetime_tokens: 20_000 } });
  assert.equal((await caller.ask(provider.says(REAL))).text, "t0 ");
});

story("to count tokens costs no budget", async () => {
  const caller = await callerOf("project", "project-day-requests");
  const body = { model: "small", messages: [{ role: "user", content: "hello" }] };
  const answer = await caller.post(body, {}, "/v1/messages/count_tokens");
  assert.equal(answer.status, 200, answer.text);
});
