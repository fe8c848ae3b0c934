// A month is closed when all of it is there, and then stays as it was.
import assert from "node:assert/strict";

import { daysAgo, mesh, run, binary, story, until } from "./lab.mjs";

const lab = await mesh({ start: false });
const { egress, node, provider, topology } = lab;
const both = [egress, node];

// Some day of the last month, and that month.
const AGO = new Date().getUTCDate() + 3;
const month = new Date(Date.now() - AGO * 86_400_000).toISOString().slice(0, 7);
const now = new Date().toISOString().slice(0, 7);
const final = (member, ...more) => member.tries("report", "--month", month, "--final", ...more);
const OFFLINE = ["--topology", topology.dir]; // no daemon runs
const statement = ({ code, out, err }) => {
  assert.equal(code, 0, err);
  return JSON.parse(out).statement;
};
const whole = async (member, ...more) => JSON.parse(await member.says("report", "--month", month, "--json", ...more));

async function stopAll() {
  await node.stop();
  await egress.stop();
}

const isInAudit = async (member) => {
  const audit = await member.audit("--action", "month closed");
  assert.deepEqual(audit.map(({ what, outcome }) => [what, outcome]), [[month, "done"]]);
};

let app;
const first = {};

story("a month with a receipt that did not come is open, and it is said what mends it", async () => {
  await daysAgo(AGO, async () => {
    await egress.start();
    await node.start();
    app = await node.caller("app", { groups: ["assistant", "own"], project: "checkout" });
    for (let i = 0; i < 4; i++) await app.ask(provider.says("prompt=100 tokens=1 completion=20"));
    await until("receipts are acknowledged", async () => {
      for (const { id } of await node.rows()) if ((await node.explain(id)).receipts.length !== 1) return false;
      return true;
    });
    // The last one's receipt is not delivered: the node dies and the wire is held.
    const answer = app.stream(provider.says("prompt=50 completion=30 stall_after=2"));
    await answer.heard(2);
    lab.link.hold();
    await node.kill();
    await answer.end;
    await until("the egress has settled it", async () => (await egress.rows()).filter(({ state }) => state === "settled").length === 5);
    const dead = await final(node, ...OFFLINE);
    assert.match(dead.err, /1 calls are still open, the first of req_\w+: .*when a stopped daemon serves again/);
    await node.start({ ready: false });
    await stopAll();
  });
  const open = await final(node, ...OFFLINE);
  assert.equal(open.code, 1);
  assert.equal(open.out, "");
  assert.match(open.err, /1 calls have no receipt, the first of central: .*gsr-node get links.*--unvouched/);
  const undelivered = await final(egress, ...OFFLINE);
  assert.equal(undelivered.code, 1);
  assert.match(undelivered.err, /1 receipts are not acknowledged, the first by 'payments': .*gsr-egress get links/);
  assert.equal((await whole(node)).closed, undefined);
});

story("the present month is not over", async () => {
  const { code, err } = await node.tries("report", "--month", now, "--final", ...OFFLINE);
  assert.equal(code, 1);
  assert.match(err, new RegExp(`^${now} is not over: it can be closed from \\d{4}-\\d\\d-01T00:15:00`, "m"));
});

story("without it the month is closed when somebody says so, and counted", async () => {
  first.out = (await final(node, "--unvouched", ...OFFLINE)).out;
  const said = JSON.parse(first.out).statement;
  assert.deepEqual([said.member, said.role, said.month, said.unvouched, said.receipts], ["payments", "node", month, 1, 4]);
  assert.equal(said.totals.requests.requests, 5);
  assert.equal(said.totals.attempts.input_tokens >= 400, true);
  assert.equal(said.closed_by, `operator (uid ${process.getuid()})`);
  assert.deepEqual(said.price_books.length > 0, true);
  assert.equal(said.chains.reduce((sum, { seq }) => sum + seq, 0), 4);
  assert.match(JSON.parse(first.out).signature, /^[0-9a-f]{128}$/);
  await isInAudit(node);
});

story("asked again it is the same bytes, and nothing is closed twice", async () => {
  assert.equal((await final(node)).out, first.out);
  assert.equal((await final(node, "--unvouched")).out, first.out);
  await isInAudit(node);
  const { closed } = await whole(node);
  assert.deepEqual([closed.at, closed.adjustments], [JSON.parse(first.out).statement.closed_at, {}]);
  assert.match(await node.says("report", "--month", month), /\nClosed on .* by operator .*; no later adjustments\n$/);
  for (const part of [["--where", "project:checkout"], ["--source", "rows"]]) assert.equal((await whole(node, ...part)).closed.adjustments, undefined);
  assert.equal(JSON.parse(await node.says("report", "--month", now, "--json")).closed, undefined);
});

story("a late receipt changes the month's report and not what was closed", async () => {
  lab.link.heal();
  await egress.start();
  await node.start();
  const { adjustments } = await until("the receipt came", async () => {
    const { closed } = await whole(node);
    return closed.adjustments.cost_microusd > 0 && closed;
  });
  assert.equal(adjustments.requests, undefined);
  const [row] = await node.rows();
  assert.deepEqual([row.state, row.cost_microusd], ["resettled", adjustments.cost_microusd]);
  assert.equal((await final(node)).out, first.out);
  const text = await node.says("report", "--month", month);
  assert.match(text, new RegExp(`; later adjustments: .*cost_microusd \\+${adjustments.cost_microusd}`));
  // What the egress counted, and all of it is acknowledged there now.
  const there = await until("the egress's month can be closed", async () => {
    const end = await final(egress);
    return end.code === 0 && end;
  });
  const said = statement(there);
  assert.deepEqual([said.role, said.unvouched, said.receipts, said.totals.attempts.attempts], ["egress", 0, 5, 5]);
  assert.equal(said.totals.requests, undefined);
  await isInAudit(egress);
  assert.ok((await egress.audit("--action", "POST /admin/report/final")).every(({ what }) => what === month));
});

story("closed months are verified, stand without a daemon, and outlive retention", async () => {
  const verified = JSON.parse((await node.verify()).out);
  assert.deepEqual([verified.closed_months, verified.closed_good], [1, 1]);
  await topology.change("mesh.yaml", (file) => (file.retention = { usage: "2d", receipts: "2d", decisions: "2d", events: "2d" }));
  for (const member of both) assert.equal((await member.reload()).why, "");
  const before = (await whole(node)).closed;
  await node.says("retention", "run");
  assert.deepEqual((await whole(node)).closed, before);
  assert.equal((await final(node)).out, first.out);
  assert.equal((await node.verify()).code, 0);
  await stopAll();
  assert.equal((await final(node)).out, first.out);
  const none = await node.tries("report", "--month", "2020-01", "--final");
  assert.equal(none.code, 1);
  assert.match(none.err, /no daemon runs on .*--topology DIR/);
  const empty = await node.tries("report", "--month", "2020-01", "--final", "--topology", topology.dir);
  assert.equal(statement(empty).totals.requests.requests, 0);
  assert.equal((await node.verify()).code, 0);
});

story("what is asked wrongly is told", async () => {
  for (const [words, why] of [
    [["--final"], /give --month/],
    [["--month", "2026-13", "--final"], /is no month/],
    [["--month", month, "--final", "--by", "team"], /neither a window nor dimensions/],
    [["--month", month, "--unvouched"], /are of --final/],
  ]) {
    const { code, err } = await run(binary("gsr-node"), ["report", "--state", node.state, ...words]);
    assert.notEqual(code, 0);
    assert.match(err, why);
  }
});
