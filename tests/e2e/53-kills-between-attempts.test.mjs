// A request of two attempts is four rows and two receipts: kill -9 meets it
// anywhere in between, and all of them add up all the same.
import assert from "node:assert/strict";

import { Caller, Load, mesh, reconcile, story, until } from "./lab.mjs";

const KILLS = Number(process.env.GSR_KILLS ?? 24) / 2;
// Its first target is a router that says no: asked once, and never left alone.
const NO = "for_model=first status=503 header=X-Router-Error:overloaded";
const prices = { first: { price: { input: 1, output: 1 } }, second: { price: { input: 2, output: 4 } } };

const lab = await mesh({
  grants: ["pair/*"],
  providers: ({ url }) => ({ pair: { type: "openai-compatible", base_url: url, models: prices } }),
  upstreams: ({ url }) => ({ near: { type: "openai-compatible", base_url: url, models: prices } }),
  groups: Object.fromEntries([["over", "pair"], ["by", "near"]].map(([group, of]) =>
    [group, { strategy: "failover", targets: [`${of}/first`, `${of}/second`] }])),
});
const { egress, node, provider } = lab;
const over = await node.caller("over", { groups: ["over", "by"] });
const by = new Caller(node, over.token, "by");
await provider.script(NO);

const COLUMNS = ["cost_microusd", "input_tokens", "output_tokens"];
const sum = (rows, column) => rows.reduce((all, row) => all + row[column], 0);

// In turns, since a node that is not restarted dials an egress that keeps
// dying less and less often.
async function killing() {
  const load = new Load([over, by, over, by, over, over], { script: "tokens=6 interval_ms=12" });
  for (let i = 0; i < KILLS; i++)
    for (const victim of [egress, node]) {
      const { calls } = await provider.count();
      await until("calls are under way", async () => (await provider.count()).calls >= calls + 3 + (i % 11));
      await victim.kill();
      await victim.start({ ready: false });
      await node.ready();
    }
  await load.stop();
  return load;
}

// The oracle is the provider's log: it is written before any answer.
async function reckon(load) {
  const calls = new Map();
  for (const { tag, model } of provider.log()) calls.set(`${tag} ${model}`, (calls.get(`${tag} ${model}`) ?? 0) + 1);
  const rows = new Map((await node.rows(100_000)).map((row) => [row.client_id, row]));
  const far = Object.groupBy(await egress.rows(100_000), (row) => row.request);
  const wrong = [];
  for (const tag of load.asked) {
    const [one, two, row] = [calls.get(`${tag} first`) ?? 0, calls.get(`${tag} second`) ?? 0, rows.get(tag)];
    if (one > 1 || two > 1) wrong.push(`${tag}: called ${one} and ${two} times`);
    if (one + two > 0 && !row) wrong.push(`${tag}: called, and no row`);
    if (!row) continue;
    if (row.state === "open") wrong.push(`${tag}: open`);
    if (row.attempts < one + two) wrong.push(`${tag}: ${one + two} calls of ${row.attempts} attempts`);
    const there = far[row.id] ?? [];
    if (row.group === "over" && there.length < one + two) wrong.push(`${tag}: ${one + two} calls, ${there.length} rows at the egress`);
    if (new Set(there.map((a) => a.number)).size < there.length) wrong.push(`${tag}: an attempt has two rows at the egress`);
  }
  return { wrong, rows, far };
}

// Each attempt is at the egress what it is here; one that it never heard of is
// an estimate that costs nothing.
async function apart(row, there) {
  if (COLUMNS.every((column) => row[column] === sum(there, column))) return [];
  const { attempts } = await node.explain(row.id);
  return attempts.flatMap((here) => {
    const its = there.find(({ number }) => number === here.number);
    if (!its && here.state === "interrupted" && here.cost_microusd === 0) return [];
    return COLUMNS.filter((column) => here[column] !== its?.[column])
      .map((column) => `${row.client_id}/${here.number}: ${column} is ${here[column]} here, ${its?.[column]} there`);
  });
}

story("node and egress are killed between attempts: each is called once at most, and none is lost", async (t) => {
  const load = await killing();
  await until("both ledgers tell the same", async () => {
    const { code, out, err } = await node.verify();
    if (code !== 0) throw new Error(out + err);
    const { wrong, rows, far } = await reckon(load);
    for (const row of rows.values()) if (row.group === "over") wrong.push(...await apart(row, far[row.id] ?? []));
    if (wrong.length > 0) throw new Error(`${wrong.length} wrong: ${wrong.slice(0, 5).join("; ")}`);
    return true;
  }, 60_000);
  const { code, err, said } = await reconcile(lab);
  assert.equal(code, 0, err + JSON.stringify(said?.differences.filter(({ explained }) => !explained).slice(0, 5)));
  t.diagnostic(`${said.attempts} attempts: ${said.matched} matched, ${JSON.stringify(said.causes)}`);
  const { rows } = await reckon(load);
  const asked = load.asked.map((tag) => rows.get(tag)).filter(Boolean);
  const two = asked.filter((row) => row.attempts === 2);
  t.diagnostic(`${load.asked.length} asked, ${load.failed.length} failed, ${two.length} with two attempts`);
  assert.ok(two.length > KILLS && load.failed.length > 0, "some had two attempts, and some were met");
  // A request is what its attempts are, also where one was interrupted.
  for (const row of [...two.filter(({ state }) => state !== "settled"), ...two.slice(-30)]) {
    const { request, attempts } = await node.explain(row.id);
    for (const column of COLUMNS)
      assert.equal(request[column], sum(attempts, column), `${column} of ${row.id}, ${request.state}`);
  }
});
