// What is past its retention: hidden at once, gone after the run, kept where
// a hold says so; and ledgers that can still be verified.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { daysAgo, mesh, story, until } from "./lab.mjs";

const DAY_MS = 86_400_000;

const lab = await mesh({ start: false });
const { egress, node, provider, topology } = lab;
const both = [egress, node];

async function startAll() {
  await egress.start();
  await node.start();
}

async function stopAll() {
  await node.stop();
  await egress.stop();
}

// Is it in any file of the member's store, table or log?  Tables are
// compressed, so that a mark may stand there in pieces.
function isOnDisk(member, mark) {
  const store = join(member.state, "store");
  const pieces = Array.from({ length: mark.length - 7 }, (_, i) => mark.slice(i, i + 8));
  return readdirSync(store).some((name) => {
    const bytes = readFileSync(join(store, name));
    return pieces.some((piece) => bytes.includes(piece));
  });
}

const day = (ago) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
const json = async (member, ...words) => JSON.parse(await member.says("retention", ...words, "--json"));
const classOf = (all, name) => all.classes.find((one) => one.class === name);

async function limit(days) {
  const every = Object.fromEntries(["usage", "decisions", "events", "receipts"].map((name) => [name, `${days}d`]));
  await topology.change("mesh.yaml", (file) => (file.retention = every));
  for (const member of both) assert.equal((await member.reload()).why, "");
}

// By when they were asked: each with a mark that its row has.
const asked = {};
let app;

async function ask(when) {
  asked[when] = [];
  for (let i = 0; i < 3; i++) {
    const mark = Array.from(randomBytes(40), (byte) => String.fromCharCode(97 + (byte % 26))).join("");
    const { id } = await app.ask(provider.says(), {}, { "x-request-id": mark });
    asked[when].push({ id, mark });
  }
  await until("receipts are there", async () => {
    for (const { id } of asked[when]) if ((await node.explain(id)).receipts.length !== 1) return false;
    return true;
  });
}

const shown = async () => new Set((await node.rows()).map((row) => row.client_id));
const marks = (when) => asked[when].map(({ mark }) => mark);

story("nothing is dropped while nothing is limited", async () => {
  await daysAgo(20, async () => {
    await startAll();
    app = await node.caller("app", { groups: ["assistant"] });
    await ask("long");
    await stopAll();
  });
  await daysAgo(11, async () => {
    await startAll();
    await ask("old");
    await stopAll();
  });
  await startAll();
  await ask("young");
  for (const member of both) {
    assert.equal((await json(member, "run")).classes.reduce((sum, one) => sum + one.rows, 0), 0);
    assert.equal(classOf(await json(member, "status"), "usage").kept, "for ever");
  }
  const rows = await shown();
  for (const when of ["long", "old", "young"]) for (const mark of marks(when)) assert.ok(rows.has(mark));
  assert.equal((await node.rows()).length, 9);
});

story("what is past is hidden at once, and held rows are not", async () => {
  for (const member of both) {
    assert.match(await member.says("retention", "hold", "add", "case-1", "--to", day(15), "--why", "court order"), /case-1 holds/);
    const { code, err } = await member.tries("retention", "hold", "add", "case-1");
    assert.equal(code, 1);
    assert.match(err, /there is a hold 'case-1'/);
  }
  assert.match((await node.tries("retention", "hold", "add", "x", "--class", "usages")).err, /there are usage, decisions/);
  assert.match((await node.tries("retention", "hold", "add", "x", "--from", "yesterday")).err, /a time is a day/);
  await limit(10);
  const rows = await shown();
  for (const when of ["long", "young"]) for (const mark of marks(when)) assert.ok(rows.has(mark), when);
  for (const { id, mark } of asked.old) {
    assert.ok(!rows.has(mark));
    assert.notEqual((await node.tries("explain", id)).code, 0);
    assert.notEqual((await egress.tries("explain", id)).code, 0);
  }
  for (const member of both) {
    const status = await json(member, "status");
    assert.equal(classOf(status, "usage").kept, "10d");
    assert.ok(classOf(status, "usage").past >= 3);
    assert.equal(status.holds[0].name, "case-1");
    assert.equal(status.holds[0].why, "court order");
    assert.match(status.holds[0].by, /uid/);
  }
});

story("a dry run drops nothing, a run takes it from the disk", async () => {
  for (const member of both) {
    const dry = await json(member, "run", "--dry-run");
    assert.equal(dry.dry_run, true);
    assert.ok(classOf(dry, "usage").rows >= 3);
  }
  assert.ok(isOnDisk(node, asked.old[0].mark));
  for (const member of both) {
    const dry = await json(member, "run", "--dry-run");
    const run = await json(member, "run");
    assert.deepEqual(run.classes.map((one) => one.rows), dry.classes.map((one) => one.rows));
    assert.equal((await json(member, "run")).classes.reduce((sum, one) => sum + one.rows, 0), 0);
  }
  for (const mark of marks("old")) assert.ok(!isOnDisk(node, mark), "a dropped row is on the disk");
  for (const when of ["long", "young"]) for (const mark of marks(when)) assert.ok(isOnDisk(node, mark), when);
  assert.match(await node.says("retention", "status"), /the next run is due at 20/);
  for (const { id } of [...asked.long, ...asked.young]) assert.equal((await node.explain(id)).receipts.length, 1);
});

// Chains of the old boot are gone as a whole or held; what is left verifies.
story("a ledger is verified whatever retention took of it", async () => {
  for (const member of both) {
    const { code, out, err } = await member.verify();
    assert.equal(code, 0, err + out);
    assert.equal(JSON.parse(out).checked, 6);
  }
});

story("what a hold let go of is dropped without a daemon too", async () => {
  await stopAll();
  for (const member of both) {
    assert.match(await member.says("retention", "hold", "list"), /court order/);
    assert.match(await member.says("retention", "hold", "remove", "case-1"), /holds nothing/);
    assert.notEqual((await member.tries("retention", "hold", "remove", "case-1")).code, 0);
  }
  assert.deepEqual(await shown(), new Set(marks("young")));
  for (const member of both) assert.ok(classOf(await json(member, "run"), "usage").rows >= 3);
  for (const mark of marks("long")) assert.ok(!isOnDisk(node, mark));
  await startAll();
  await ask("again");
  assert.equal((await node.rows()).length, 6);
  for (const member of both) assert.equal((await member.verify()).code, 0);
});

story("a member's own file can only shorten what the mesh says", async () => {
  await topology.change("node/payments.yaml", (file) => (file.retention = { usage: "30d", events: "5d" }));
  assert.equal((await node.reload()).why, "");
  const status = await json(node, "status");
  assert.equal(classOf(status, "usage").kept, "10d");
  assert.equal(classOf(status, "events").kept, "5d");
  assert.equal(classOf(status, "sums").kept.includes("store"), true);
});
