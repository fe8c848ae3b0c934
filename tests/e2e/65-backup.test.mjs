// A backup while it serves, and what a restore of it makes of the mesh.
import assert from "node:assert/strict";
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { binary, Load, mesh, run, story, until } from "./lab.mjs";

const lab = await mesh();
const { egress, node, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });

const place = (name) => join(lab.place, name);
const restore = (member, from, to = member.state) => run(binary(member.program), ["restore", "--from", from, "--state", to]);
const verifyBackup = (member, from) => run(binary(member.program), ["backup", "verify", "--from", from]);

// The machine is lost, and a backup is put where the state was.
async function replace(member, from) {
  rmSync(member.state, { recursive: true });
  const { code, err } = await restore(member, from);
  assert.equal(code, 0, err);
}

// Two members are never backed up in the same moment, so each may have a
// receipt whose row the other side's restore lost: that one is `unmatched`.
async function chainsAreWhole() {
  for (const member of [node, egress]) {
    const { checked, good, unmatched, ...faults } = JSON.parse((await member.verify()).out);
    assert.ok(checked > 0);
    assert.equal(good + unmatched, checked);
    for (const name of ["bad_signature", "broken_chain", "unreadable", "missing"]) assert.equal(faults[name], 0, name);
  }
}

story("every row of before is in a backup that was made under load", async () => {
  const load = new Load([app, app, app, app]);
  await until("there are rows", () => load.asked.length > 20);
  const answered = (await node.rows(100_000)).map((row) => row.client_id);
  const [of_node, of_egress] = await Promise.all([
    node.says("backup", "--out", place("node-1"), "--with-identity"),
    egress.says("backup", "--out", place("egress-1"), "--with-identity"),
  ]);
  assert.match(of_node, /backed up: node payments of mesh lab as of 20.* with its keys/);
  assert.match(of_egress, /backed up: egress central/);
  const between = load.asked.length;
  await until("it goes on", () => load.asked.length > between + 8);
  await load.stop();
  assert.deepEqual(load.failed, []);
  await node.kill();
  await egress.kill();
  await replace(node, place("node-1"));
  await replace(egress, place("egress-1"));
  assert.equal(statSync(node.state).mode & 0o777, 0o700);
  assert.equal(statSync(join(node.state, "identity.key")).mode & 0o777, 0o600);
  await egress.start();
  await node.start();
  const rows = new Set((await node.rows(100_000)).map((row) => row.client_id));
  for (const mark of answered) assert.ok(rows.has(mark));
  // Who called before can call now: tokens are of the identity.
  await app.ask(provider.says());
  await chainsAreWhole();
});

story("an egress that is restored twice writes into no chain of before", async () => {
  await egress.says("backup", "--out", place("egress-2"), "--with-identity");
  const chains = [];
  for (let round = 0; round < 3; round++) {
    await egress.kill();
    await replace(egress, place("egress-2"));
    await egress.start();
    await node.ready();
    const { id } = await app.ask(provider.says());
    const [receipt] = await until("the receipt is there", async () => {
      const { receipts } = await node.explain(id);
      return receipts.length === 1 && receipts;
    });
    assert.equal(receipt.seq, 1);
    chains.push(receipt.chain);
  }
  // A chain is named by its epoch, among others.
  assert.equal(new Set(chains).size, 3, `chains ${chains}`);
  assert.equal((await node.counters()).gsr_receipts_bad_total, 0);
  await chainsAreWhole();
});

story("a backup without keys has none, and a restore says what is missing", async () => {
  const out = await node.says("backup", "--out", place("node-3"));
  assert.match(out, /without its keys/);
  for (const name of ["identity.key", "master.key"]) assert.ok(!existsSync(join(place("node-3"), name)));
  const key = readFileSync(join(node.state, "identity.key"), "utf8").trim();
  for (const name of readdirSync(place("node-3"), { recursive: true })) {
    const path = join(place("node-3"), name);
    if (statSync(path).isFile()) assert.ok(!readFileSync(path).includes(key), name);
  }
  const kept = place("kept");
  mkdirSync(kept);
  for (const name of ["identity.key", "master.key"]) cpSync(join(node.state, name), join(kept, name));
  await node.stop();
  rmSync(node.state, { recursive: true });
  const { code, err } = await restore(node, place("node-3"));
  assert.equal(code, 0);
  assert.match(err, /put the member's identity.key and master.key into/);
  assert.notEqual((await node.refusesToStart()).code, 0);
  for (const name of ["identity.key", "master.key"]) cpSync(join(kept, name), join(node.state, name));
  await node.start();
  await app.ask(provider.says());
});

story("a damaged backup is found, and restores nothing", async () => {
  const from = place("egress-1");
  assert.equal((await verifyBackup(egress, from)).code, 0);
  const damages = {
    "a byte more": (dir) => appendFileSync(join(dir, "vault"), "x"),
    "a byte else": (dir) => {
      const name = readdirSync(join(dir, "store")).find((one) => one.endsWith(".sst"));
      const bytes = readFileSync(join(dir, "store", name));
      bytes[bytes.length >> 1] ^= 1;
      rmSync(join(dir, "store", name));
      writeFileSync(join(dir, "store", name), bytes);
    },
    "a file less": (dir) => rmSync(join(dir, "store", "CURRENT")),
    "a file more": (dir) => writeFileSync(join(dir, "store", "000001.log"), ""),
    "no manifest": (dir) => rmSync(join(dir, "manifest.json")),
    "a way out": (dir) => {
      const path = join(dir, "manifest.json");
      writeFileSync(path, readFileSync(path, "utf8").replace("store/CURRENT", "store/../../CURRENT"));
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    const dir = place(`damaged ${what}`);
    cpSync(from, dir, { recursive: true });
    assert.equal((await verifyBackup(egress, dir)).code, 0);
    damage(dir);
    const { code, err } = await verifyBackup(egress, dir);
    assert.equal(code, 1, what);
    assert.ok(err.length > 0, what);
    const to = place("never");
    assert.equal((await restore(egress, dir, to)).code, 1, what);
    assert.ok(!existsSync(to) && !existsSync(`${to}.restoring`), what);
  }
});

story("nothing is ever replaced", async () => {
  const again = await node.tries("backup", "--out", place("node-1"));
  assert.equal(again.code, 1);
  assert.match(again.err, /is there already/);
  const { code, err } = await restore(node, place("node-1"));
  assert.equal(code, 1);
  assert.match(err, /is not empty: a restore never replaces anything/);
  await app.ask(provider.says());
});

story("a member that does not run is backed up by the command alone", async () => {
  await node.stop();
  await node.says("backup", "--out", place("node-4"), "--with-identity");
  assert.equal((await verifyBackup(node, place("node-4"))).code, 0);
  const before = await node.rows();
  await replace(node, place("node-4"));
  assert.deepEqual(await node.rows(), before);
  await node.start();
  await app.ask(provider.says());
});
