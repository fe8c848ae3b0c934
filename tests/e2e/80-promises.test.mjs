// What the product promises, proved from outside: keys and content that are
// nowhere, and a count that survives kill -9.
import assert from "node:assert/strict";
import {
  closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeSync,
} from "node:fs";
import { join } from "node:path";

import { Caller, exportBoth, exported, Load, mesh, pause, reconcile, run, sanitized, story, until } from "./lab.mjs";

// Of each of the two; as many as can be waited for.
const KILLS = Number(process.env.GSR_KILLS ?? (sanitized ? 20 : 200));
const KILLS_AT_ONCE = 50;

const lab = await mesh({ fresh: 1, alone: 1 });
const { egress, link, node, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const own = new Caller(node, app.token, "own");

function filesUnder(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const filesWith = (member, needle) =>
  [member.logFile, ...filesUnder(member.state)].filter((file) => readFileSync(file).includes(needle));

// Whether a running process holds these bytes; null where we may not look.
function memoryHolds({ child: { pid } }, needle) {
  let memory;
  if (sanitized) return null; // terabytes of shadow
  try {
    memory = openSync(`/proc/${pid}/mem`, "r");
  } catch {
    return null;
  }
  const found = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").some((line) => {
    const [, from, to] = line.match(/^([0-9a-f]+)-([0-9a-f]+) /) ?? [];
    if (!from || line.includes("[v")) return false;
    const [start, length] = [Number.parseInt(from, 16), Number.parseInt(to, 16) - Number.parseInt(from, 16)];
    const piece = Buffer.alloc(Math.min(length, 1 << 22) + needle.length);
    for (let at = 0; at < length; at += 1 << 22) {
      try {
        const got = readSync(memory, piece, 0, Math.min(piece.length, length - at), start + at);
        if (piece.subarray(0, got).includes(needle)) return true;
      } catch {} // a guard page
    }
    return false;
  });
  closeSync(memory);
  return found;
}

story("the provider's key is in no node: not on disk, not in logs, not in memory", async (t) => {
  const key = lab.keys.openai;
  const ways = [() => app.ask(provider.says("echo=1")), () => app.stream(provider.says("echo=1")).end];
  await Promise.all(Array.from({ length: 20 }, (_, i) => ways[i % 2]()));
  await (await lab.fresh("alone")).refused(provider.refuses(401, "key"));
  assert.deepEqual(filesWith(node, key), []);
  assert.deepEqual(filesWith(egress, key), [], "sealed, and never told");
  assert.ok(filesWith(node, "payments").length > 0, "the search finds what is there");
  const finds = memoryHolds(node, "assistant");
  if (finds === null) return t.diagnostic("memory may not be looked at here");
  assert.equal(finds, true, "the search finds what is there");
  assert.equal(memoryHolds(node, key), false);
});

story("what people ask and get is written down nowhere", async () => {
  const content = `canary-${process.hrtime.bigint()}`;
  for (const caller of [app, own]) {
    await caller.ask({ text: `${content} [[sim echo=1]]` });
    await caller.stream({ text: `${content} [[sim echo=1]]` }).end;
    await caller.refused({ text: `${content} [[sim status=400 body=invalid]]` });
    await caller.refused({ text: `${content} [[sim garbage=json]]` });
  }
  for (const member of [node, egress]) assert.deepEqual(filesWith(member, content), []);
});

story("tokens rest as hashes", async () => {
  assert.deepEqual(filesWith(node, app.token), []);
  assert.deepEqual(filesWith(node, app.token.slice(4)), []);
});

story("a state directory is of bounded size for many requests", async () => {
  const load = new Load([app, app, own, own]);
  await until("many were asked", () => load.asked.length > 400, 60_000);
  await load.stop();
  const size = filesUnder(node.state).reduce((sum, file) => sum + statSync(file).size, 0);
  assert.ok(size / load.asked.length < 40_000, `${size} bytes of state for ${load.asked.length} requests`);
});

// What both sides have when nothing is under way any more: all rows.
async function settled() {
  return until("nothing is under way, and no receipt waits for its ACK", async () => {
    const out = await exportBoth(lab);
    return ["open", "outbox"].every((kind) => exported(out.egress, kind).length === 0) && out;
  }, 120_000);
}

const by = (rows, key) => {
  const groups = new Map();
  for (const row of rows) groups.set(row[key], [...(groups.get(row[key]) ?? []), row]);
  return groups;
};

// The oracle is the provider's log: it is written before any answer.
function reckon(load, out) {
  const calls = by(provider.log(), "tag");
  const requests = exported(out.node, "request");
  const rows = by(requests, "client_id");
  const attempts = by(exported(out.egress, "attempt"), "request");
  const known = new Set(requests.map(({ id }) => id));
  const wrong = [];
  for (const tag of load.asked) {
    const [called, found] = [calls.get(tag)?.length ?? 0, rows.get(tag) ?? []];
    if (called > 1) wrong.push(`${tag}: called ${called} times`);
    if (found.length > 1) wrong.push(`${tag}: ${found.length} rows at the node`);
    if (called === 0) continue;
    const [row] = found;
    if (!row || row.attempts !== 1) wrong.push(`${tag}: called, and ${row ? `${row.attempts} attempts` : "no row"} at the node`);
    if (row?.egress === "" || !row) continue;
    const there = attempts.get(row.id) ?? [];
    if (there.length !== 1) wrong.push(`${tag}: called, and ${there.length} rows at the egress`);
  }
  for (const [request, list] of attempts) {
    if (new Set(list.map((row) => row.number)).size < list.length) wrong.push(`${request}: an attempt has two rows at the egress`);
    if (!known.has(request)) wrong.push(`${request}: at the egress, not at the node`);
  }
  return { wrong, requests };
}

async function killing(victims, kills) {
  const load = new Load([app, own, app, app, own, app], { script: "tokens=6 interval_ms=16" });
  for (let i = 0; i < kills; i++)
    for (const victim of victims) {
      const { calls } = await provider.count();
      await until("calls are under way", async () => {
        const now = await provider.count();
        return now.calls >= calls + 2 + (i % 9) && now.open_calls >= 3;
      });
      await victim.kill();
      await victim.start({ ready: false });
      await node.ready();
    }
  await load.stop();
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  return load;
}

// In turns, since a node that is not restarted dials an egress that keeps
// dying less and less often; and in parts, so that each is of bearable length.
for (let done = 0; done < KILLS; done += KILLS_AT_ONCE) {
  const kills = Math.min(KILLS_AT_ONCE, KILLS - done);
  story(`${kills} times kill -9 of node and egress under load, after ${done}: no row lost, none doubled`, async (t) => {
    const load = await killing([egress, node], kills);
    const { wrong, requests } = reckon(load, await settled());
    assert.deepEqual(wrong, []);
    assert.deepEqual(requests.filter((row) => row.state === "open"), []);
    // Whoever got a whole answer has a row that says so.
    const failed = new Set(load.failed.map(({ tag }) => tag));
    const byTag = new Map(requests.map((row) => [row.client_id, row]));
    for (const tag of load.asked) if (!failed.has(tag)) assert.equal(byTag.get(tag)?.fail, "", tag);
    const states = Object.groupBy(requests, (row) => row.state);
    const counts = Object.entries(states).map(([state, of]) => `${of.length} ${state}`);
    t.diagnostic(`${load.asked.length} requests, ${failed.size} failed; ${counts.join(", ")}`);
    assert.ok((states.interrupted?.length ?? 0) + (states.resettled?.length ?? 0) > 0, "some were interrupted");
  });
}

story("after the kills both ledgers agree to the last row, and every receipt verifies", async (t) => {
  const out = await settled();
  for (const member of [node, egress]) {
    const { code, out: said, err } = await member.verify();
    assert.equal(code, 0, said + err);
  }
  const here = exported(out.node, "attempt").filter(({ egress: through }) => through !== "");
  const there = exported(out.egress, "attempt");
  const { code, err, said } = await reconcile(lab, out);
  assert.equal(code, 0, err + JSON.stringify(said?.differences.filter(({ explained }) => !explained).slice(0, 5)));
  t.diagnostic(`${said.attempts} attempts: ${said.matched} matched, ${said.explained} explained, ${JSON.stringify(said.causes)}`);
  // What only the node has is all that is not the same: it was never called, or
  // its node was killed before the egress had it.
  assert.deepEqual([said.attempts, said.matched, said.explained], [here.length, there.length, here.length - there.length]);
  assert.deepEqual([said.receipts.node.good, said.receipts.egress.good], [there.length, there.length]);
  const sums = by(there, "request");
  for (const row of exported(out.node, "request").filter(({ id }) => sums.has(id)))
    for (const column of ["cost_microusd", "output_tokens"])
      assert.equal(row[column], sums.get(row.id).reduce((sum, of) => sum + of[column], 0), `${column} of ${row.id}`);
});

// Every byte of a disk, the last ones too.
function fill(dir) {
  const ballast = join(dir, "ballast");
  const file = openSync(ballast, "w");
  for (let size = 1 << 16; size >= 1; )
    try {
      if (writeSync(file, Buffer.alloc(size)) < size) size >>= 1;
    } catch {
      size >>= 1;
    }
  closeSync(file);
  return () => rmSync(ballast);
}

story("on a full disk nothing is called that could not be counted, and it heals by itself", async (t) => {
  const small = join(lab.place, "small");
  mkdirSync(small);
  if ((await run("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", small])).code !== 0)
    return t.skip("needs to mount a small disk");
  const state = node.state;
  try {
    await node.stop();
    cpSync(state, small, { recursive: true });
    node.state = small;
    await node.start();
    const stream = app.stream(provider.says("tokens=40 interval_ms=50"));
    await stream.heard(2);
    const load = new Load([app, own, app, own, app, own]);
    const empty = fill(small);
    // Whoever is under way waits for the store: all of the load may. Who comes
    // then is refused.
    const late = () => app.refused(provider.says()).then(({ status }) => status === 503);
    await until("the store takes nothing", () => Promise.race([late(), pause(500)]), 60_000);
    for (const caller of [app, own]) {
      const words = provider.says();
      const error = await caller.refused(words);
      assert.deepEqual([error.status, error.router], [503, "store-unavailable"]);
      assert.ok(Number(error.headers.get("retry-after")) >= 1);
      assert.equal((await provider.calls(words)).length, 0);
    }
    empty();
    for (const caller of [app, own])
      await until("it is well again", async () => (await caller.ask(provider.says("tokens=1"))).text === "t0 ");
    await load.stop();
    await stream.end;
    assert.equal(stream.error, null);
    assert.deepEqual(reckon(load, await settled()).wrong, []);
    assert.equal((await node.verify()).code, 0);
    await node.stop();
    rmSync(state, { recursive: true });
    cpSync(small, state, { recursive: true });
  } finally {
    await node.stop();
    await run("umount", ["-l", small]);
    node.state = state;
    await node.start();
  }
});

story("a restart after all that is quick to serve, and closes nothing twice", async () => {
  const before = await node.rows(100_000);
  for (const member of [node, egress]) {
    await member.kill();
    await member.start({ ready: member === egress });
  }
  await node.ready();
  const after = await node.rows(100_000);
  assert.deepEqual(after.map((row) => row.id), before.map((row) => row.id));
  link.cut();
  // It may be asked before it has seen the cut.
  await until("it reaches the egress again", async () => (await app.ask(provider.says("tokens=1"))).text === "t0 ");
});
