// The team's envelope: limits and sums of a team in mesh.yaml hold at the
// egress whatever its nodes decide, in words that say whose limit it is, for
// all nodes of the team together and for no other team, and over a kill.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { DIALECTS, mesh, OWN_PRICE, PRICE, saying, story, until } from "./lab.mjs";

const HELD = 32_000; // output tokens that are held where nobody says less
const INPUT = 300;
const OUTPUT = 100;
const TOKENS = INPUT + OUTPUT;
const COST = INPUT * PRICE.input + OUTPUT * PRICE.output;
const REAL = `prompt=${INPUT} tokens=1 completion=${OUTPUT}`;
const CAP = 400;
const USD = 1_000_000;
const RACE = 1000;

const failover = (...targets) => ({ strategy: "failover", targets });
const accounts = (at, names, more) => Object.fromEntries(names.map((name) => [name, {
  type: "openai", base_url: at.url, api_key: "secret/openai", team_keys: { payments: "secret/brought" }, models: { m: { price: PRICE } }, ...more,
}]));

// `branch` is a second node of the payments team; its key was made for a team
// that is none.
const lab = await mesh({
  start: false, teams: ["payments", "branch", "risk"], secrets: ["brought"], grants: ["keyed/*", "mine/*", "theirs/*"],
  providers: (at) => ({
    ...accounts(at, ["keyed"], { shaping: { rpm: 1, burst: 1, queue: "0s" } }), ...accounts(at, ["mine", "theirs"]),
  }),
  groups: { home: failover("openai/gpt-5-mini", "own/gpt-oss"), ...Object.fromEntries(["keyed", "mine", "theirs"].map((name) => [name, failover(`${name}/m`)])) },
});
const { egress, provider, topology } = lab;
const { payments, branch, risk } = lab.nodes;

await topology.change("mesh.yaml", ({ members, teams }) => {
  members.branch.team = "payments";
  delete teams.branch;
});
rmSync(topology.path("node/branch.lock"));
await topology.sign({ node: "branch" });
await lab.start();

const GROUPS = ["assistant", "home", "keyed", "mine", "theirs"];
const app = await payments.caller("app", { groups: GROUPS });
const second = await branch.caller("second", { groups: GROUPS });
const other = await risk.caller("other", { groups: GROUPS });
const of = (caller, model) => Object.assign(Object.create(caller), { model });
const ask = (caller, script = REAL, more = { max_tokens: CAP }) => caller.ask(provider.says(script), more);

// The team's limits from now on; its nodes hear of it or not.
async function team(terms, nodes = [payments, branch, risk]) {
  await topology.change("mesh.yaml", ({ teams }) => {
    delete teams.payments.limits;
    delete teams.payments.budget;
    Object.assign(teams.payments, terms);
  });
  for (const member of [egress, ...nodes]) assert.equal((await member.reload()).why, "");
}

const theirRows = async (name = "payments") => (await egress.rows(100_000)).filter((row) => row.team === name);
const sum = (rows, column) => rows.reduce((total, row) => total + Number(row[column]), 0);

// What the team's own upstreams cost it, by its nodes' rows.
const ownRows = async () => (await Promise.all([payments, branch].map((node) => node.rows(10_000)))).flat()
  .filter((row) => row.egress === "" && row.attempts > 0);

// What the team's sums have, by its rows here and those that its nodes tell
// of: what they let in next tells whether the egress counts the same.
async function spent() {
  const rows = [...await theirRows(), ...await ownRows()];
  assert.ok(rows.every((row) => row.state !== "open" && row.budget_day > 0));
  const sums = { requests: sum(rows, "counted"), tokens: sum(rows, "counted_tokens"), usd: sum(rows, "counted_microusd") };
  await until("its nodes have told", async () => {
    const { holders } = JSON.parse(await egress.says("get", "limits", "--team", "payments", "--json"));
    const { requests, tokens, usd } = holders.find(({ level }) => level === "team").spent.lifetime;
    const counted = { requests, tokens, usd: Math.round(Number(usd) * USD) };
    if (JSON.stringify(counted) !== JSON.stringify(sums)) throw new Error(`${JSON.stringify(counted)}, not ${JSON.stringify(sums)}`);
    return true;
  });
  return sums;
}

const money = (microusd) => (microusd / USD).toFixed(6).replace(/\.?0+$/, "");
const spoken = (unit, amount) => (unit === "usd" ? money(amount) : `${amount}`);

// A refusal in each dialect, from both nodes, and what is left behind of it.
async function refusedEverywhere({ name, fail, statuses, type, code, messages, text, retry }) {
  for (const [i, dialect] of [...Object.keys(DIALECTS), "chat"].entries()) {
    const [caller, node] = i === 0 ? [second, branch] : [app, payments];
    const prompt = provider.says(REAL);
    const more = dialect === "responses" ? { max_output_tokens: CAP } : { max_tokens: CAP };
    const { status, headers, json, id } = await saying(caller, dialect, "assistant", prompt, more);
    const theirs = dialect === "messages";
    assert.deepEqual([status, headers.get("x-router-error")], [statuses[theirs ? 1 : 0], fail], `${name} in ${dialect}`);
    assert.equal(json.error.type, theirs ? messages : type);
    if (!theirs) assert.equal(json.error.code, code);
    assert.match(json.error.message, new RegExp(`At the egress central: team payments ${name}: ${text}`), name);
    assert.equal(headers.get("x-should-retry"), retry ? null : "false");
    const wait_s = headers.get("retry-after");
    assert.ok(retry ? wait_s >= 1 && wait_s <= 60 : wait_s === null, `Retry-After: ${wait_s}`);

    assert.deepEqual(await provider.calls(prompt), []);
    const { request, attempts } = await node.explain(id);
    assert.deepEqual([request.fail, request.bucket, request.status, request.cost_microusd], [fail, `egress team payments ${name}`, status, 0]);
    assert.deepEqual(attempts.map((a) => [a.target, a.fail, a.class, a.status, a.receipt]),
      [["openai/gpt-5-mini", fail, "locally-throttled", 0, "none"]]);
    assert.notEqual((await egress.tries("explain", id)).code, 0, "the egress has no row of it");
  }
}

const rate = { fail: "rate-limited", statuses: [429, 429], type: "requests", code: "rate_limit_exceeded", messages: "rate_limit_error", retry: true };
const quota = {
  fail: "budget-exhausted", statuses: [429, 402], type: "insufficient_quota", code: "insufficient_quota", messages: "billing_error", retry: false,
};

// Others are served, and the team's own upstream does what it can.
async function nobodyElse() {
  await ask(other);
  const { id } = await ask(of(app, "home"));
  assert.deepEqual((await payments.explain(id)).attempts.map((a) => [a.target, a.class]),
    [["openai/gpt-5-mini", "locally-throttled"], ["own/gpt-oss", ""]]);
}

story("requests a minute", async () => {
  await team({ limits: { rpm: 4 } });
  for (const caller of [app, second, app, second]) await ask(caller);
  await refusedEverywhere({ ...rate, name: "rpm", text: "4 a minute" });
  await nobodyElse();
});

story("tokens a minute: what came counts, and not what was held", async () => {
  await team({ limits: { tpm: 6000 } });
  for (const caller of [app, second, app]) await ask(caller);
  await ask(second, "prompt=9000 tokens=1");
  await refusedEverywhere({ ...rate, name: "tpm", text: "6000 a minute" });
  await nobodyElse();
});

story("requests under way", async () => {
  await team({ limits: { concurrent: 2 } });
  const streams = [app, second].map((caller) => caller.stream(provider.says("tokens=10000 interval_ms=20")));
  for (const stream of streams) await stream.heard(1);
  await refusedEverywhere({ ...rate, fail: "concurrency-exceeded", name: "concurrent", text: "2 requests at a time, and 2 are under way" });
  await nobodyElse();
  await streams[0].hangUp();
  await until("a slot is free", () => ask(app));
  await streams[1].hangUp();
  await until("its row is settled", async () => (await theirRows()).every((row) => row.state !== "open"));
});

// Exactly three more fit; what is left then is less than another may take.
const ROOM = { requests: 3, tokens: 3 * TOKENS + CAP - 1, usd: 3 * COST + CAP * PRICE.output - 1 };
// What nobodyElse leaves behind.
const OWN = { requests: 1, tokens: TOKENS, usd: INPUT * OWN_PRICE.input + OUTPUT * OWN_PRICE.output };
const TAKES = { requests: 1, tokens: TOKENS, usd: COST };
const UNITS = { requests: "requests", tokens: "tokens", usd: "USD" };

for (const window of ["day", "month", "lifetime"])
  for (const unit of Object.keys(ROOM))
    story(`${unit} a ${window}: as much as the rows leave, and no more`, async () => {
      const before = (await spent())[unit];
      const name = `${window}_${unit}`;
      const most = before + ROOM[unit];
      await team({ budget: { [name]: unit === "usd" ? money(most) : most } });
      for (const caller of [app, second, app]) await ask(caller);
      await refusedEverywhere({
        ...quota, name, text: `${spoken(unit, most)} ${UNITS[unit]}, of which ${spoken(unit, before + 3 * TAKES[unit])} are spent and 0 held`.replaceAll(".", "\\."),
      });
      await nobodyElse();
      assert.equal((await spent())[unit], before + 3 * TAKES[unit] + OWN[unit]);
    });

story("what is held for others counts, and is told", async () => {
  const before = (await spent()).requests;
  await team({ budget: { lifetime_requests: before + 2 } });
  const streams = [app, second].map((caller) => caller.stream(provider.says("tokens=10000 interval_ms=20")));
  for (const stream of streams) await stream.heard(1);
  await refusedEverywhere({ ...quota, name: "lifetime_requests", text: `${before + 2} requests, of which ${before} are spent and 2 held` });
  await Promise.all(streams.map((stream) => stream.hangUp()));
  await until("they are spent", async () => (await spent().catch(() => ({}))).requests === before + 2);
  await refusedEverywhere({ ...quota, name: "lifetime_requests", text: `${before + 2} requests, of which ${before + 2} are spent and 0 held` });
});

// Node files of before: they know nothing of the budget and ask for what the
// caller asked for.
story("the provider is asked for no more than what is held, whoever asks", async () => {
  const before = await spent();
  await team({});
  const wide = { budget: { lifetime_tokens: before.tokens + 10_000_000 } };
  for (const nodes of [[], [payments]]) {
    await team(wide, nodes);
    for (const [more, cap] of [[{}, HELD], [{ max_tokens: 77 }, 77], [{ max_tokens: 128_000 }, nodes.length ? HELD : 128_000], [{ n: 3 }, HELD]]) {
      const prompt = provider.says(REAL);
      const { id } = await app.ask(prompt, more);
      const { max_tokens, max_completion_tokens } = JSON.parse(await provider.bodyOf(await provider.callOf(prompt)));
      assert.equal(max_tokens ?? max_completion_tokens, cap, JSON.stringify(more));
      const row = (await theirRows()).find((one) => one.request === id);
      assert.ok(row.held_tokens > cap * (more.n ?? 1) && row.held_tokens < cap * (more.n ?? 1) + 300, `${row.held_tokens} for ${cap}`);
      assert.equal(row.counted_tokens, TOKENS);
    }
    if (nodes.length === 0) await team({});
  }
  const small = (await spent()).tokens + HELD;
  await team({ budget: { lifetime_tokens: small } }, []);
  const error = await app.refused(provider.says(REAL), {});
  assert.equal(error.router, "budget-exhausted", "what it may take does not fit");
  await ask(app, REAL, { max_tokens: 5000 });
});

story("what came to more than was held is told, and blocks the next", async () => {
  const before = (await spent()).tokens;
  await team({ budget: { lifetime_tokens: before + 5000 } });
  const { id } = await ask(app, "prompt=6000 completion=3000 tokens=1");
  const row = (await theirRows()).find((one) => one.request === id);
  const events = (await egress.events()).filter((event) => event.request === id);
  assert.deepEqual(events.map((event) => [event.kind, event.team, event.target, event.caller]), [["overdraft", "payments", "openai/gpt-5-mini", row.caller]]);
  assert.match(events[0].outcome, new RegExp(`^${9000 - row.held_tokens} tokens`));
  await refusedEverywhere({ ...quota, name: "lifetime_tokens", text: `${before + 5000} tokens, of which ${before + 9000} are spent and 0 held` });
});

story("a call that a provider failed costs the team what it cost", async () => {
  const before = await spent();
  await team({ budget: { lifetime_requests: before.requests + 3, lifetime_tokens: before.tokens + 1_000_000 } });
  assert.equal((await app.refused(provider.refuses(400, "invalid"))).status, 400);
  assert.deepEqual(await spent(), { ...before, requests: before.requests + 1 });
  const stream = app.stream(provider.says("tokens=1000 interval_ms=20"), { max_tokens: 2000 });
  await stream.heard(5);
  await stream.hangUp();
  const after = await until("its row is settled", async () => {
    const now = await spent().catch(() => null);
    return now?.requests === before.requests + 2 && now;
  });
  assert.ok(after.tokens > before.tokens && after.tokens < before.tokens + 1000, "what was said, and not what was held");
  await ask(app);
  await refusedEverywhere({ ...quota, name: "lifetime_requests", text: `${before.requests + 3} requests, of which ${before.requests + 3} are spent and 0 held` });
});

story("one unit is left, and a thousand ask for it at two nodes: one provider call", async () => {
  for (const unit of ["requests", "tokens"]) {
    const before = await spent();
    const room = unit === "requests" ? 1 : CAP + 200;
    await team({ budget: { [`lifetime_${unit}`]: before[unit] + room } });
    const prompt = provider.says(`${REAL} latency_ms=300`);
    const body = app.body(prompt, { max_tokens: CAP });
    const answers = await Promise.all(Array.from({ length: RACE }, (_, i) => (i % 2 ? app : second).post(body)));
    await provider.callOf(prompt);
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const { status, headers } of answers.filter((answer) => answer.status !== 200))
      assert.deepEqual([status, headers.get("x-router-error")], [429, "budget-exhausted"]);
    const after = await spent();
    assert.deepEqual([after.requests - before.requests, after.tokens - before.tokens], [1, TOKENS]);
  }
});

const keyOf = (prompt) => provider.callOf(prompt).then((call) => call.authorization.replace("Bearer ", ""));

story("a team's own key is used for its calls alone, and its account has a size of its own", async () => {
  await team({});
  const prompts = [provider.says(), provider.says()];
  await of(app, "keyed").ask(prompts[0]);
  await of(other, "keyed").ask(prompts[1]);
  assert.deepEqual([await keyOf(prompts[0]), await keyOf(prompts[1])], [lab.keys.brought, lab.keys.openai]);
  for (const [caller, name] of [[app, "keyed@payments"], [second, "keyed@payments"], [other, "keyed"]]) {
    const error = await of(caller, "keyed").refused(provider.says());
    assert.equal(error.router, "upstream-capacity-throttled");
    assert.match(error.message, new RegExp(`provider ${name} rpm:`));
  }
});

story("a spent quota of the team's key closes its account and no other's, and the reverse", async () => {
  for (const [group, spends, goes] of [["mine", app, other], ["theirs", other, app]]) {
    const error = await of(spends, group).refused(provider.says("body=quota"));
    assert.equal(error.router, "upstream-quota-exhausted");
    const again = provider.says();
    assert.equal((await of(spends, group).refused(again)).router, "upstream-quota-exhausted");
    assert.deepEqual(await provider.calls(again), [], "nobody asks with that key");
    for (let i = 0; i < 3; i++) {
      const prompt = provider.says();
      await of(goes, group).ask(prompt);
      assert.equal(await keyOf(prompt), goes === app ? lab.keys.brought : lab.keys.openai);
    }
  }
});

story("killed with calls under way: what was held is spent after the restart, exactly", async () => {
  const before = await spent();
  await team({ budget: { lifetime_requests: before.requests + 6, lifetime_tokens: before.tokens + 100_000 } });
  const streams = [app, second, app, second].map((caller) => caller.stream(provider.says("tokens=10000 interval_ms=20"), { max_tokens: CAP }));
  for (const stream of streams) await stream.heard(2);
  await ask(app);
  await egress.kill();
  await Promise.all(streams.map((stream) => stream.end));
  assert.ok(streams.every((stream) => stream.error));
  await egress.start();
  for (const node of [payments, branch, risk]) await node.ready();

  const rows = (await theirRows()).filter((row) => row.state === "interrupted");
  assert.equal(rows.length, 4);
  for (const row of rows) {
    assert.ok(row.held_tokens > CAP && row.held_microusd > CAP * PRICE.output);
    assert.deepEqual([row.counted, row.counted_tokens, row.counted_microusd], [true, row.held_tokens, row.held_microusd]);
  }
  const now = await spent();
  assert.deepEqual([now.requests, now.tokens], [before.requests + 5, before.tokens + TOKENS + sum(rows, "held_tokens")]);

  // Rates too: nobody knows what was taken just before.
  for (const caller of [app, other]) {
    const error = await of(caller, "keyed").refused(provider.says());
    assert.equal(error.router, "upstream-capacity-throttled");
  }
  await ask(second);
  await refusedEverywhere({ ...quota, name: "lifetime_requests", text: `${before.requests + 6} requests, of which ${before.requests + 6} are spent and 0 held` });
  await team({ budget: { lifetime_tokens: (await spent()).tokens + ROOM.tokens } });
  for (const caller of [app, second, app]) await ask(caller);
  await refusedEverywhere({ ...quota, name: "lifetime_tokens", text: `${(await spent()).tokens + CAP - 1} tokens` });

  // The nodes heard what became of them, and both say the same.
  for (const node of [payments, branch])
    await until("receipts agree", async () => {
      const { code, out, err } = await node.verify();
      if (code !== 0) throw new Error(out + err);
      return true;
    });
  for (const [node, id] of streams.map((stream, i) => [i % 2 ? branch : payments, stream.id])) {
    const { attempts } = await until("its receipt is here", async () => {
      const told = await node.explain(id);
      return told.receipts.length > 0 && told;
    });
    const theirs = rows.find((row) => row.request === attempts[0].request);
    assert.deepEqual([attempts[0].receipt, attempts[0].cost_microusd], ["late", theirs.cost_microusd]);
  }
});

story("the team's key is nowhere but sealed", async () => {
  const files = readdirSync(lab.place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "provider.log").map((entry) => join(entry.parentPath, entry.name));
  const holds = (needle) => files.filter((file) => readFileSync(file).includes(needle));
  assert.ok(holds("keyed@payments").length > 0, "the search finds what is there");
  assert.deepEqual(holds(lab.keys.brought), []);
  for (const member of [egress, payments])
    for (const path of ["/metrics", "/version", "/readyz"]) assert.ok(!(await member.admin(path)).text.includes(lab.keys.brought));
});
