// Twenty nodes under load, and a target that starts to answer 429: the egress
// tells all, nobody opens a call to it after that, and one probe goes an
// interval, of all of them together.
import assert from "node:assert/strict";

import { Load, mesh, pause, story, until } from "./lab.mjs";

const TEAMS = Array.from({ length: 20 }, (_, i) => `team-${i}`);
const WAIT_S = 4;

const lab = await mesh({ teams: TEAMS, workers: 1 });
const { egress, provider } = lab;
const nodes = TEAMS.map((team) => lab.nodes[team]);
const callers = await Promise.all(nodes.map((node) => node.caller("app", { groups: ["assistant"] })));

const target = async (node) => JSON.parse(await node.says("get", "targets", "--json")).find((t) => t.target === "openai/gpt-5-mini");
const opens = async () => {
  const { gsr_attempts_total: attempts = 0, gsr_put_off_total: refused = 0 } = await egress.counters();
  return { attempts, refused };
};
const allSee = (wanted) => until(`all nodes see ${wanted}`, async () => {
  const states = await Promise.all(nodes.map(async (node) => (await target(node)).state));
  if (states.some((state) => !wanted.includes(state))) throw new Error(states.join(" "));
  return true;
});

story("none of twenty opens a call to a target that backs off, and one probes", async () => {
  const load = new Load(callers, { streams: false, script: "tokens=1 latency_ms=5" });
  await until("all have asked", () => load.asked.length > 10 * TEAMS.length);
  assert.deepEqual(load.failed, []);

  // From here on everything is a 429, under load.
  await provider.script(`body=rate retry_after=${WAIT_S} for_model=gpt-5-mini times=100000`);
  await allSee(["backing-off"]);
  const [before, answered] = [await opens(), (await provider.calls()).length];
  // Well inside of the wait that all have heard of.
  await pause(WAIT_S * 250);
  const [after, later] = [await opens(), (await provider.calls()).length];
  assert.deepEqual([after, later], [before, answered], "somebody asked");

  // Each wait is longer than the last; in each, one call of all twenty.
  const times = [];
  let known = later;
  await until("three probes", async () => {
    for (const now = (await provider.calls()).length; known < now; known++) times.push(Date.now());
    return times.length >= 3;
  });
  for (const [i, time] of times.slice(1).entries()) assert.ok(time - times[i] > WAIT_S * 850, `${times}`);

  await provider.ask("reset", { method: "POST" });
  await allSee(["ok"]);
  const failed = load.failed.length;
  const asked = load.asked.length;
  await until("all are served", () => load.asked.length > asked + 5 * TEAMS.length);
  await load.stop();
  // Those that were refused meanwhile know when to come again.
  for (const { error } of load.failed) {
    assert.deepEqual([error.status, error.headers?.get("x-router-error")], [503, "upstream-rate-limited"], error.message);
    assert.ok(Number(error.headers.get("retry-after")) >= 1);
  }
  assert.ok(load.failed.length <= failed + TEAMS.length);
});

story("node and egress agree", async () => {
  for (const node of nodes)
    await until("receipts agree", async () => {
      const { code, out, err } = await node.verify();
      if (code !== 0) throw new Error(out + err);
      return true;
    });
});
