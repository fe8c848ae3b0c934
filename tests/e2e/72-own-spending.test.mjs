// What a team spends on its own upstreams counts in its budget at the egress:
// told by its node, once, over restarts of both.
import assert from "node:assert/strict";

import { Caller, mesh, OWN_PRICE, PRICE, story, until } from "./lab.mjs";

const USD = 1_000_000;
const INPUT = 1000;
const OUTPUT = 500;
const REAL = `prompt=${INPUT} tokens=1 completion=${OUTPUT}`;
const OWN_COST = INPUT * OWN_PRICE.input + OUTPUT * OWN_PRICE.output;
const COST = INPUT * PRICE.input + OUTPUT * PRICE.output;
// Eight requests of the team's own, and nearly one through the egress.
const BUDGET = 8 * OWN_COST + COST;
const CAP = 1000;

const lab = await mesh({
  team: () => ({ budget: { month_usd: BUDGET / USD } }),
  groups: {
    own: { strategy: "static", targets: ["own/gpt-oss"], max_output: CAP },
    assistant: { strategy: "static", targets: ["openai/gpt-5-mini"], max_output: CAP },
  },
});
const { node, egress, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const own = new Caller(node, app.token, "own");

const team = async () => {
  const { holders } = JSON.parse((await egress.tries("get", "limits", "--team", "payments", "--json")).out || `{"holders":[]}`);
  return holders.find(({ level, name }) => level === "team" && name === "payments");
};
const spent = async () => Math.round(Number((await team())?.spent.month.usd ?? 0) * USD);
const told = (microusd) => until(`the egress counts ${microusd}`, async () => (await spent()) === microusd);

story("each request of its own is counted there, once", async () => {
  for (let i = 0; i < 3; i++) await own.ask(provider.says(REAL));
  await told(3 * OWN_COST);
  await app.ask(provider.says(REAL));
  await told(3 * OWN_COST + COST);
});

story("neither restart counts it twice or loses it", async () => {
  await node.kill();
  await node.start();
  await told(3 * OWN_COST + COST);
  await egress.kill();
  await own.ask(provider.says(REAL));
  await egress.start();
  await told(4 * OWN_COST + COST);
  await own.ask(provider.says(REAL));
  await told(5 * OWN_COST + COST);
});

story("when it has spent the budget by itself, the egress refuses the rest", async () => {
  for (let i = 0; i < 3; i++) await own.ask(provider.says(REAL));
  await told(8 * OWN_COST + COST);
  const before = await provider.count();
  const error = await app.refused(provider.says(REAL));
  assert.deepEqual([error.status, error.code, error.router], [429, "insufficient_quota", "budget-exhausted"]);
  assert.match(error.message, /team payments month_usd/);
  assert.deepEqual(await provider.count(), before);
});
