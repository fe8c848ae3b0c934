// Two ledgers that check each other, out of their exports: a node's and its
// egress's hold the same, and what was changed, removed or cut off is told.
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { audit, exportBoth, mesh, reconcile, story, until } from "./lab.mjs";

const lab = await mesh();
const { node, egress, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });

// No receipt waits for its ACK.
const settled = () =>
  until("all receipts are acknowledged", async () => {
    const out = await exportBoth(lab, "--kinds", "outbox");
    return readFileSync(join(out.egress, "outbox.jsonl"), "utf8") === "";
  });

let copies = 0;
const copy = (out) => {
  const other = { node: `${out.node}-copy-${++copies}`, egress: `${out.egress}-copy-${copies}` };
  cpSync(out.node, other.node, { recursive: true });
  cpSync(out.egress, other.egress, { recursive: true });
  return other;
};

const edit = (dir, file, change) => {
  const path = join(dir, file);
  const before = readFileSync(path, "utf8");
  const after = change(before);
  assert.notEqual(after, before);
  writeFileSync(path, after);
};

let whole;

story("what both sides exported is the same, receipt by receipt", async () => {
  for (let i = 0; i < 5; i++) await app.ask(provider.says("prompt=100 tokens=5 completion=20"));
  await app.stream(provider.says("tokens=7")).end;
  await settled();
  whole = await exportBoth(lab);
  const { code, said, err } = await reconcile(lab, whole);
  assert.equal(code, 0, err);
  assert.deepEqual([said.attempts, said.matched, said.differences], [6, 6, []]);
  assert.equal(said.receipts.node.good, 6);
  assert.equal(said.receipts.egress.good, 6);
  const [month] = said.months;
  assert.equal(month.team, "payments");
  assert.deepEqual(month.node, month.egress);
  assert.equal((await audit(lab, "verify", "--export", whole.node)).code, 0);
});

story("a changed figure is found", async () => {
  for (const side of ["node", "egress"]) {
    const out = copy(whole);
    edit(out[side], "attempt.jsonl", (text) => text.replace(/"cost_microusd":(\d+)/, (_, n) => `"cost_microusd":${Number(n) + 1}`));
    const { code, said, err } = await reconcile(lab, out);
    assert.equal(code, 1);
    assert.match(err, /attempt\.jsonl was changed/);
    assert.equal(said.unexplained, 1);
    assert.ok(said.differences.some(({ what, cause }) => what === "cost_microusd" && cause === "tampered"));
  }
});

story("a changed receipt is found, without the other side too", async () => {
  const out = copy(whole);
  edit(out.node, "receipt.jsonl", (text) => text.replace(/"output_tokens":(\d+)/, (_, n) => `"output_tokens":${Number(n) + 1}`));
  assert.equal((await reconcile(lab, out)).code, 1);
  const { code, err } = await audit(lab, "verify", "--export", out.node);
  assert.equal(code, 1);
  assert.match(err, /not what was signed/);
});

story("a removed row is found, also the last one", async () => {
  for (const file of ["attempt.jsonl", "receipt.jsonl"])
    for (const side of ["node", "egress"]) {
      const out = copy(whole);
      edit(out[side], file, (text) => text.replace(/[^\n]*\n$/, ""));
      const { code, said } = await reconcile(lab, out);
      assert.equal(code, 1);
      assert.ok(said.causes.removed > 0);
    }
});

story("a caller that hung up is explained, before and after its receipt came", async () => {
  const answer = app.stream(provider.says("tokens=500 interval_ms=20"));
  await answer.heard(3);
  lab.link.hold();
  await answer.hangUp();
  await until("the node has settled it", async () => (await node.rows())[0].fail === "client-gone");
  await until("the egress has settled it", async () => (await egress.rows()).filter(({ state }) => state === "settled").length === 7);
  let out = await exportBoth(lab);
  let { code, said, err } = await reconcile(lab, out);
  assert.equal(code, 0, err + JSON.stringify(said));
  assert.equal(said.explained, 1);
  assert.ok(said.causes.undelivered > 0);
  lab.link.heal();
  await settled();
  out = await exportBoth(lab);
  ({ code, said, err } = await reconcile(lab, out));
  assert.equal(code, 0, err + JSON.stringify(said));
  assert.deepEqual([said.matched, said.explained], [7, 0]);
});

story("a node signs how far it has the receipts, both keep it, and a chain's end cannot be taken away unseen", async () => {
  const lines = (dir, file) => readFileSync(join(dir, file), "utf8").trimEnd().split("\n").filter(Boolean).map(JSON.parse);
  let out;
  const signed = (dir) => lines(dir, "checkpoint.jsonl").reduce((sum, { seq }) => sum + seq, 0);
  await until("both have a checkpoint of all receipts", async () => {
    out = await exportBoth(lab);
    return signed(out.node) === 7 && signed(out.egress) === 7;
  }, 60_000);
  assert.equal((await reconcile(lab, out)).code, 0);
  // Of one side, with nobody to compare: its last receipt of a chain is gone.
  for (const side of ["node", "egress"]) {
    const cut = copy(out);
    edit(cut[side], "receipt.jsonl", (text) => text.replace(/[^\n]*\n$/, ""));
    const { code, err } = await audit(lab, "verify", "--export", cut[side]);
    assert.equal(code, 1);
    assert.match(err, /its node signed that it has it, and it is not here/);
  }
  assert.equal((await audit(lab, "verify", "--export", out.node)).code, 0);
});

story("CSV is for spreadsheets: it is not taken for what was signed", async () => {
  const out = await exportBoth(lab, "--format", "csv");
  const [head, ...rows] = readFileSync(join(out.node, "request.csv"), "utf8").trimEnd().split("\n");
  assert.match(head, /^id,state,received_at,/);
  assert.equal(rows.length, 7);
  const { code, err } = await audit(lab, "verify", "--export", out.node);
  assert.equal(code, 1);
  assert.match(err, /export it as JSONL/);
});
