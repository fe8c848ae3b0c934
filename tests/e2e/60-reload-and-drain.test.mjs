// New files and a good end, while requests go on.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { Caller, costOf, Load, mesh, pause, story, until } from "./lab.mjs";

const lab = await mesh({ drain: 3 });
const { egress, node, provider, topology } = lab;
const app = await node.caller("app", { groups: ["assistant", "own", "spare"] });
const own = new Caller(node, app.token, "own");

const price = (input) => (file) => {
  for (const entry of Object.values(file.providers)) for (const model of Object.values(entry.models)) model.price.input = input;
};

async function reloadAll() {
  for (const member of [egress, node]) assert.deepEqual((await member.reload()).why, "");
}

story("reloads under load fail no request, good files or bad", async () => {
  const served = new Set([(await node.version()).topology]);
  const load = new Load([app, app, own, own], { script: "tokens=4 interval_ms=10" });
  for (let i = 1; i <= 6; i++) {
    await topology.change("egress/central.yaml", price(i));
    await topology.change("node/payments.yaml", price(i));
    await reloadAll();
    served.add((await node.version()).topology);
    const restore = topology.copy();
    topology.scribble("node/payments.yaml", (text) => text.replace("groups", "gruops"));
    topology.scribble("egress/central.yaml", (text) => `${text} `);
    for (const member of [egress, node]) assert.equal((await member.reload()).refused, true);
    restore();
    const before = load.asked.length;
    await until("requests go on", () => load.asked.length > before + 8);
  }
  await load.stop();
  assert.deepEqual(load.failed, []);
  const rows = (await node.rows(100_000)).filter((row) => load.asked.includes(row.client_id));
  assert.equal(rows.length, load.asked.length);
  assert.equal(served.size, 7);
  for (const row of rows) assert.ok(served.has(row.topology), row.topology);
  assert.ok(new Set(rows.map((row) => row.topology)).size > 1);
  assert.equal((await node.verify()).code, 0);
});

story("a new price counts from the next request on, and changes no old row", async () => {
  const ask = async (caller) => node.explain((await caller.ask(provider.says("prompt=100000 completion=1"))).id);
  const before = [await ask(app), await ask(own)];
  await topology.change("egress/central.yaml", price(50));
  await topology.change("node/payments.yaml", price(50));
  await reloadAll();
  await until("the catalog is there", async () => (await ask(app)).request.cost_microusd > 4_000_000);
  for (const [i, caller] of [app, own].entries()) {
    const old = (await node.explain(before[i].request.id)).request;
    const now = (await ask(caller)).request;
    assert.equal(old.cost_microusd, before[i].request.cost_microusd);
    assert.equal(now.cost_microusd, costOf({ prompt_tokens: 100000, completion_tokens: 1 }, { input: 50, output: i ? 4 : 2 }));
    assert.notEqual(now.price_book, old.price_book);
  }
});

story("a group that goes is unknown from then on; who is in it ends in it", async () => {
  const spare = new Caller(node, app.token, "spare");
  const stream = spare.stream(provider.says("tokens=10 interval_ms=50"));
  await stream.heard(1);
  const restore = topology.copy();
  await topology.change("node/payments.yaml", (file) => delete file.groups.spare);
  assert.equal((await node.reload()).why, "");
  const error = await until("it is gone", () => spare.refused().catch(() => null));
  assert.deepEqual([error.status, error.router], [404, "unknown-group"]);
  assert.deepEqual(await app.models(), ["assistant", "own"]);
  await stream.end;
  assert.equal(stream.error, null);
  assert.equal(stream.text.split(" ").length - 1, 10);
  // It cannot come back as it was: that would be an older file.
  restore();
  const { refused, why } = await node.reload();
  assert.equal(refused, true);
  assert.match(why, /older|version/);
  await topology.change("node/payments.yaml", (file) => (file.max_body = "1MiB"));
  await topology.sign({ node: "payments" });
  assert.equal((await node.reload()).why, "");
  assert.deepEqual(await app.models(), ["assistant", "own", "spare"]);
});

story("what must not be loaded is told, and the old files go on serving", async () => {
  const spoils = {
    "no lock": [/mesh\.lock/, () => topology.scribble("mesh.lock", () => "")],
    "altered": [/was changed/, () => topology.scribble("mesh.yaml", (text) => text.replace('"lab"', '"lob"'))],
    "unknown key": [/did you mean 'groups'/, async () => {
      const file = structuredClone(topology.files["node/payments.yaml"]);
      file.gruops = file.groups;
      topology.write("node/payments.yaml", file);
    }],
  };
  const { topology: hash } = await node.version();
  for (const [what, [reason, spoil]] of Object.entries(spoils)) {
    const restore = topology.copy();
    await spoil();
    const reloaded = what === "unknown key" ? await topology.trySign({ node: "payments" }) : await node.reload();
    restore();
    assert.match(reloaded.why ?? reloaded.err, reason, what);
    assert.equal((await node.version()).topology, hash);
    assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  }
  const commanded = await node.tries("reload");
  assert.equal(commanded.code, 0);
});

story("a listener cannot move under its callers", async () => {
  await topology.change("node/payments.yaml", (file) => (file.listen = "127.0.0.1:1"));
  const { refused, why } = await node.reload();
  assert.equal(refused, true);
  assert.match(why, /restart/);
  await topology.change("node/payments.yaml", (file) => (file.listen = "127.0.0.1:0"));
  assert.equal((await node.reload()).why, "");
});

story("a provider's key is changed without a restart", async () => {
  const stream = app.stream(provider.says("tokens=10 interval_ms=50"));
  await stream.heard(1);
  lab.keys.openai = `${lab.keys.openai}-new`;
  await egress.keep("openai", lab.keys.openai);
  assert.equal((await egress.reload()).why, "");
  const words = provider.says();
  await app.ask(words);
  assert.equal((await provider.callOf(words)).authorization, `Bearer ${lab.keys.openai}`);
  assert.equal((await stream.end).error, null);
});

// Files of a state directory, and the member's log, that have these bytes.
function holders(member, text) {
  const files = readdirSync(member.state, { recursive: true }).map((name) => join(member.state, name));
  return [member.logFile, ...files].filter((file) => statSync(file).isFile() && readFileSync(file).includes(text));
}

story("a key is rotated without a restart, whatever the topology's files are just then", async () => {
  for (const [member, caller, name] of [[egress, app, "openai"], [node, own, "own"]]) {
    const [old, next] = [lab.keys[name], `sk-next-${randomBytes(12).toString("hex")}`];
    const [before, after] = [provider.says("tokens=10 interval_ms=50"), provider.says()];
    const stream = caller.stream(before);
    await stream.heard(1);
    const restore = topology.copy();
    topology.scribble("mesh.yaml", (text) => `${text} `);
    const { code, out, err } = await member.rotate(name, `${next}\n`);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, new RegExp(`secret '${name}' is rotated: fingerprint \\w{8}, was \\w{8}\n.*from its next call on`));
    await caller.ask(after);
    restore();
    assert.equal((await provider.callOf(after)).authorization, `Bearer ${next}`);
    assert.equal((await stream.end).error, null);
    assert.equal(stream.text.split(" ").length - 1, 10);
    assert.equal((await provider.callOf(before)).authorization, `Bearer ${old}`);
    lab.keys[name] = next;

    const again = await member.rotate(name, next);
    assert.deepEqual([again.code, again.out], [1, ""]);
    assert.match(again.err, /already/);
    const mistaken = await member.rotate(`${name}-x`, "sk-other");
    assert.deepEqual([mistaken.code, mistaken.out], [1, ""]);
    assert.match(mistaken.err, /secret set/);
    assert.equal((await member.rotate(name, "")).code, 1);
    assert.equal((await member.reload()).why, "");
    await caller.ask(after);
    assert.equal((await provider.calls(after)).at(-1).authorization, `Bearer ${next}`);
    for (const text of [old, next]) assert.deepEqual(holders(member, text), []);
  }
});

story("a key that is rotated while nobody runs is used at the next start", async () => {
  await egress.stop();
  lab.keys.openai = `${lab.keys.openai}-later`;
  const { code, out } = await egress.rotate("openai", lab.keys.openai);
  assert.equal(code, 0);
  assert.match(out, /no daemon runs/);
  await egress.start();
  await node.ready();
  const words = provider.says();
  await app.ask(words);
  assert.equal((await provider.callOf(words)).authorization, `Bearer ${lab.keys.openai}`);
});

story("a node that drains finishes its streams, takes nothing new, and ends well", async () => {
  const streams = [app, own].map((caller) => caller.stream(provider.says("tokens=20 interval_ms=50")));
  for (const stream of streams) await stream.heard(2);
  const ending = node.stop();
  await until("nobody new gets in", async () => (await app.refused(provider.says()).catch(() => null)) !== null);
  assert.ok(streams.every((stream) => !stream.over), "the streams go on meanwhile");
  for (const stream of streams) {
    await stream.end;
    assert.equal(stream.error, null);
    assert.equal(stream.text.split(" ").length - 1, 20);
  }
  assert.deepEqual(await ending, { code: 0, signal: null });
  for (const stream of streams) assert.equal((await node.explain(stream.id)).request.state, "settled");
  await node.start();
});

story("a drain that takes too long ends what is left, and says so", async () => {
  const streams = [app, own].map((caller) => caller.stream(provider.stallsAfter(2, "tokens=20")));
  for (const stream of streams) await stream.heard(2);
  assert.deepEqual(await node.stop(), { code: 0, signal: null });
  for (const stream of streams) {
    await stream.end;
    assert.match(stream.error.message, /shutting down/);
    const { request } = await node.explain(stream.id);
    assert.deepEqual([request.status, request.fail, request.state], [503, "shutting-down", "settled"]);
    assert.ok(request.output_tokens > 0);
  }
  await node.start();
});

story("an egress that drains finishes its calls; new ones are told to come again", async () => {
  const stream = app.stream(provider.says("tokens=30 interval_ms=50"));
  await stream.heard(2);
  const ending = egress.stop();
  const words = provider.says();
  const error = await until("it takes nothing new", () => app.refused(words).catch(() => null));
  assert.equal(error.status, 503);
  assert.match(error.router, /egress-unreachable|shutting-down/);
  assert.ok(Number(error.headers.get("retry-after")) >= 1);
  assert.equal((await own.ask(provider.says("tokens=1"))).text, "t0 ");
  await stream.end;
  assert.equal(stream.error, null);
  assert.equal(stream.text.split(" ").length - 1, 30);
  assert.deepEqual(await ending, { code: 0, signal: null });
  await egress.start();
  await node.ready();
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  await until("receipts agree", async () => (await node.verify()).code === 0);
});

story("an end while requests pour in loses no row", async () => {
  const load = new Load([app, own, app, own]);
  await until("requests are under way", () => load.asked.length > 20);
  assert.deepEqual(await node.stop(), { code: 0, signal: null });
  await pause(50);
  await load.stop();
  const made = new Set(provider.log().map((call) => call.tag));
  const rows = new Map((await node.rows(100_000)).map((row) => [row.client_id, row]));
  for (const tag of load.asked) if (made.has(tag)) assert.equal(rows.get(tag)?.attempts, 1, tag);
  for (const row of rows.values()) assert.notEqual(row.state, "open");
});
