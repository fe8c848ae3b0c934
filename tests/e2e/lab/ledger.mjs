// ledger: exports of both sides of a mesh, and what an auditor who has only
// public keys makes of them.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { binary, run } from "./program.mjs";

let exports = 0;

// The egress's first, so that what comes in between is told apart.
export async function exportBoth({ place, node, egress }, ...more) {
  const folder = join(place, `exports-${++exports}`);
  const out = { node: `${folder}-node`, egress: `${folder}-egress` };
  await egress.says("ledger", "export", "--out", out.egress, ...more);
  await node.says("ledger", "export", "--out", out.node, ...more);
  return out;
}

// All rows of a kind in an export.
export const exported = (dir, kind) =>
  readFileSync(join(dir, `${kind}.jsonl`), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));

// A ledger command of an auditor: { code, err, said }.
export async function audit(lab, ...words) {
  const end = await run(binary("gsr-egress"), ["ledger", ...words, "--topology", lab.topology.dir, "--operator-key", lab.operator]);
  return { ...end, said: end.out.startsWith("{") ? JSON.parse(end.out) : undefined };
}

// Of exports that are there, or of the ledgers as they are now.
export async function reconcile(lab, out) {
  const { node, egress } = out ?? (await exportBoth(lab));
  return audit(lab, "reconcile", node, egress, "--json");
}
