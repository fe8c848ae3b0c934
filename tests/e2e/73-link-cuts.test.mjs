// The link is cut at every record of a stream, in both directions, at every
// record of its greeting, and where it brings what was missed.  Whatever its
// caller hears is whole or an error, and both ledgers have what the provider
// was asked, once.
import assert from "node:assert/strict";

import { CUTS, exportBoth, exported, mesh, pause, reconcile, Shears, story, until } from "./lab.mjs";

// Bodies and answers of several frames, which wait for credit.
const SCRIPT = "tokens=8 size=4000 interval_ms=10 prompt=30 completion=8";
const FILLING = "x".repeat(100_000);
const COLUMNS = ["input_tokens", "output_tokens", "usage_source", "cost_microusd", "price_book", "chain", "chain_seq"];
// Shorter records than a receipt's and its ACK's are no news of them.
const RECEIPT = 500;
// When the checkpoint of a receipt has come, usually.
const LAST_UP_MS = 8000;
const ACK = 70;

// A node whose link is often cut dials less and less often: so it is started
// anew now and then, and there are several meshes to do it at the same time.
const meshes = await Promise.all([1, 2, 3].map(() => mesh({ workers: 1, link: Shears })));
const labs = await Promise.all(meshes.map(async (lab) =>
  Object.assign(lab, { app: await lab.node.caller("app", { groups: ["assistant"] }), asked: new Map(), cuts: 0 })));
const [first] = labs;

function ask(lab) {
  const words = lab.provider.says(SCRIPT);
  const stream = lab.app.stream({ text: words.text + FILLING }, { stream_options: { include_usage: true } }, { "x-request-id": words.tag });
  lab.asked.set(words.tag, stream);
  return stream;
}

async function back(lab) {
  if (++lab.cuts % 3 === 0) {
    await lab.node.stop();
    await lab.node.start({ ready: false });
  }
  await lab.node.ready();
}

const together = async (todo) => {
  const ends = await Promise.allSettled(labs.map(todo));
  for (const { reason } of ends) if (reason) throw reason;
};

// Every mesh takes the next one as soon as it is through with the last.
async function share(cases, todo) {
  const left = [...cases];
  await together(async (lab) => {
    while (left.length > 0) await todo(lab, left.shift());
  });
}

const isCut = ({ link }, cut) => until(`it is cut: ${JSON.stringify(cut)}`, () => link.done, 60_000);

// What leaves at the same time is one record: there may be fewer of them than
// were counted.  Then it is the next stream that is cut.
async function cutSomewhere(lab, { way }) {
  const end = Date.now() + (way === "up" ? LAST_UP_MS : 0);
  while (!lab.link.done)
    if (Date.now() < end) await pause(20);
    else isWholeOrTold(await ask(lab).end);
}

let whole, script, greeting;

story("a stream is so many records up and down, to the checkpoint of its receipt", async (t) => {
  await first.node.stop();
  first.link.watch("dial");
  await first.node.start();
  greeting = first.link.seen;
  first.link.watch("request");
  whole = await ask(first).end;
  assert.equal(whole.error, null);
  assert.deepEqual([whole.text.length, whole.usage.completion_tokens], [32_000, 8]);
  await until("its node signed for it", async () =>
    exported((await exportBoth(first, "--kinds", "checkpoint")).egress, "checkpoint").length > 0);
  const { up, down } = first.link.seen;
  script = { up, down: down.slice(0, down.findLastIndex((bytes) => bytes > RECEIPT) + 1) };
  for (const [what, { up, down }] of Object.entries({ script, greeting }))
    t.diagnostic(`${what}: ${up.length} up: ${up}; ${down.length} down: ${down}`);
  // The body in parts, credit, the ACK and the checkpoint; words and the receipt.
  assert.ok(script.up.length >= 10 && script.down.length >= 10);
});

function isWholeOrTold({ text, usage, error, chunks }) {
  if (error) {
    assert.match(error.message, /egress cannot be reached/);
    assert.ok(whole.text.startsWith(text));
    if (text !== "") return;
    assert.deepEqual([error.status, error.headers?.get("x-router-error")], [503, "egress-unreachable"]);
  } else {
    assert.equal(text, whole.text);
    assert.deepEqual(usage, whole.usage);
    assert.ok(chunks.some(({ choices }) => choices[0]?.finish_reason === "stop"));
  }
}

story("cut at each record, its caller hears all of the answer or an error", async (t) => {
  const cases = ["up", "down"].flatMap((way) => script[way].flatMap((_, after) =>
    [...Object.keys(CUTS).map((how) => ({ way, after, how })), { way, after, how: "closed", half: true }]));
  const ends = { whole: 0, begun: 0, refused: 0 };
  // The last records are long in coming.
  await share(cases.toSorted((a, b) => b.after - a.after), async (lab, cut) => {
    lab.link.watch("request", cut);
    const stream = await ask(lab).end;
    await cutSomewhere(lab, cut);
    isWholeOrTold(stream);
    ends[stream.error === null ? "whole" : stream.text === "" ? "refused" : "begun"]++;
    await back(lab);
    lab.link.bury();
  });
  t.diagnostic(`${cases.length} cuts: ${JSON.stringify(ends)}`);
  assert.ok(Math.min(...Object.values(ends)) > 0, "it was cut before, in and behind the answer");
});

story("cut at each record of its greeting, it comes up the next time", async (t) => {
  const hows = Object.keys(CUTS);
  const cases = ["up", "down"].flatMap((way) => greeting[way].map((_, after) => ({ way, after, how: hows[after % 3], half: after % 2 === 1 })));
  await share(cases, async (lab, cut) => {
    await lab.node.stop();
    lab.link.watch("dial", cut);
    await lab.node.start({ ready: false });
    await isCut(lab, cut);
    await lab.node.ready();
    assert.equal((await ask(lab).end).error, null);
    lab.link.bury();
  });
  t.diagnostic(`${cases.length} cuts`);
});

story("cut where it brings a receipt anew, or takes the ACK, again and again", async () => {
  const where = [
    { way: "down", least: RECEIPT, how: "closed" }, { way: "up", least: ACK, how: "half open" },
    { way: "down", least: RECEIPT, how: "reset", half: true },
  ];
  await together(async (lab, i) => {
    const cut = { ...where[i], after: 0 };
    await lab.node.stop();
    await lab.node.start();
    lab.link.watch("request", { way: "down", after: 6, how: "closed" });
    assert.notEqual((await ask(lab).end).error, null);
    for (let times = 0; times < 2; times++) {
      await lab.node.ready();
      lab.link.watch("now", cut);
      await isCut(lab, cut);
    }
    await lab.node.ready();
  });
  // The node knows those receipts: nothing is written when they come again.
  for (const lab of labs) await until("they are acknowledged", async () => exported((await exportBoth(lab, "--kinds", "outbox")).egress, "outbox").length === 0);
});

// The oracle is the provider's log: it is written before any answer.
function reckon({ provider, asked }, out) {
  const byTag = Object.groupBy(provider.log(), ({ tag }) => tag);
  const byId = (dir, kind) => Object.groupBy(exported(dir, kind), (row) => row.request ?? row.client_id);
  const [requests, here, there] = [byId(out.node, "request"), byId(out.node, "attempt"), byId(out.egress, "attempt")];
  const wrong = [];
  for (const [tag, { error }] of asked) {
    const [row, ...more] = requests[tag] ?? [];
    const calls = (byTag[tag] ?? []).length;
    if (!row || more.length > 0) wrong.push(`${tag}: ${more.length} rows more than one`);
    const [mine, theirs] = [here[row?.id] ?? [], there[row?.id] ?? []];
    if (mine.length !== 1 || theirs.length > 1 || calls > theirs.length)
      wrong.push(`${tag}: ${calls} calls, ${mine.length} rows of them at the node, ${theirs.length} at the egress`);
    if (row?.fail !== (error ? "egress-unreachable" : "")) wrong.push(`${tag}: '${row?.fail}' for ${error ?? "all of it"}`);
    for (const column of theirs.length > 0 ? COLUMNS : [])
      if (mine[0]?.[column] !== theirs[0][column]) wrong.push(`${tag}: ${column} is ${mine[0]?.[column]} here, ${theirs[0][column]} there`);
    if (theirs.length === 0 && (mine[0]?.cost_microusd !== 0 || row?.cost_microusd !== 0)) wrong.push(`${tag}: it cost, and was not called`);
  }
  if (Object.keys(requests).length !== asked.size) wrong.push(`${Object.keys(requests).length} requests of ${asked.size}`);
  return wrong;
}

story("what the provider was asked both ledgers have, once, to the last row", async (t) => {
  for (const lab of labs) {
    const out = await until("no receipt waits for its ACK", async () => {
      const out = await exportBoth(lab);
      return exported(out.egress, "outbox").length + exported(out.egress, "open").length === 0 && out;
    }, 60_000);
    assert.deepEqual(reckon(lab, out), []);
    for (const member of [lab.node, lab.egress]) assert.equal((await member.verify()).code, 0);
    const { code, err, said } = await reconcile(lab, out);
    assert.equal(code, 0, err + JSON.stringify(said?.differences));
    // One that never reached its egress is all that only one of them has.
    const [here, there] = [out.node, out.egress].map((dir) => exported(dir, "attempt").length);
    assert.deepEqual([said.attempts, said.matched, said.causes["never-called"]], [here, there, here - there]);
    assert.deepEqual([said.receipts.node.good, said.receipts.egress.good], [there, there]);
    t.diagnostic(`${said.attempts} attempts: ${said.matched} matched, ${here - there} never called`);
  }
});
