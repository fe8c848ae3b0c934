// What operators see of the targets, and do about them.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { mesh, story, until } from "./lab.mjs";

const OWN = "own/gpt-oss";
const FAR = "openai/gpt-5-mini";
const UID = `operator (uid ${process.getuid()})`;

const lab = await mesh({
  groups: {
    pair: { strategy: "failover", targets: [OWN, FAR] },
    alone: { strategy: "static", targets: [OWN] },
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
  assert.deepEqual(own.groups, ["own", "spare", "pair", "alone"]);
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
    assert.ok(types[sample[1]], `${line} has no type`);
    assert.ok(!((sample[1] + (sample[2] ?? "")) in metrics), `twice: ${line}`);
    metrics[sample[1] + (sample[2] ?? "")] = Number(sample[3]);
  }
  return { metrics, types };
}

story("metrics are Prometheus text, on the control socket only", async () => {
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
  assert.equal((await node.admin("/metrics")).status, 404);
});
