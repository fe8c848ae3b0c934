// A node with two egresses, in order of preference: one is lost, comes back,
// changes places with the other, leaves and returns, and no caller who comes
// then is told an error.
import assert from "node:assert/strict";

import { Caller, costOf, Load, mesh, PRICE, story, until } from "./lab.mjs";

const SPARE_PRICE = { input: 3, output: 5 };

const lab = await mesh({
  start: false, drain: 3, egresses: ["central", "spare"], grants: ["openai/gpt-5"],
  groups: { large: { strategy: "static", targets: ["openai/gpt-5"] } },
});
const { node, provider, topology } = lab;
const { central, spare } = lab.egresses;

// The second is dearer, and has a model that the first has not.
await topology.change("egress/spare.yaml", ({ providers }) => (providers.openai.models["gpt-5-mini"].price = SPARE_PRICE));
await topology.change("egress/central.yaml", ({ providers }) => delete providers.openai.models["gpt-5"]);
await lab.start();

const app = await node.caller("app", { groups: ["assistant", "large"] });
const large = new Caller(node, app.token, "large");

const readyz = () => node.admin("/readyz");
const linked = () => until("all links are up", async () => (await readyz()).text === "ready\n");
const egressOf = async (caller = app) => (await node.explain((await caller.ask(provider.says("tokens=1"))).id)).request.egress;

// A question that is with the provider, and that gets no answer unless it is
// asked once more.
async function unanswered() {
  const words = provider.says();
  await provider.script("latency_ms=600000 times=1");
  const waiting = app.ask(words);
  await until("it is with the provider", async () => (await provider.calls(words)).length === 1);
  return { words, waiting };
}

// The parents by a reload of the node alone.
async function parents(...names) {
  await topology.change("mesh.yaml", ({ members }) => (members.payments.parents = names));
  assert.equal((await node.reload()).why, "");
}

// A request that went through that egress, by all three ledgers.
async function wentThrough(egress, id, price) {
  const other = egress === central ? spare : central;
  const { request, attempts } = await node.explain(id);
  const last = attempts.at(-1);
  assert.deepEqual([request.egress, request.path, last.egress], [egress.name, `payments>${egress.name}`, egress.name]);
  assert.equal(last.cost_microusd, costOf({ prompt_tokens: last.input_tokens, completion_tokens: last.output_tokens }, price));
  const theirs = (await egress.explain(id)).attempts[0];
  assert.deepEqual([theirs.team, theirs.price_book], ["payments", request.price_book]);
  assert.equal(theirs.cost_microusd, last.cost_microusd);
  return { request, attempts, other };
}

story("the first parent that offers it serves, by its own prices", async () => {
  await linked();
  const { id } = await app.ask(provider.says("prompt=100000 completion=1"));
  const { other } = await wentThrough(central, id, PRICE);
  assert.notEqual((await other.tries("explain", id)).code, 0);
  assert.equal(await egressOf(large), "spare");
});

story("the first is killed: requests go on through the second, and who waited goes on there too", async () => {
  const { words, waiting } = await unanswered();
  const stream = app.stream(provider.stallsAfter(3));
  await stream.heard(2);
  const load = new Load([app, app, large], { streams: false });
  await until("requests are under way", () => load.asked.length > 10);
  await central.kill();
  const before = load.asked.length;
  await until("requests go on", () => load.asked.length > before + 30);
  await load.stop();
  assert.deepEqual(load.failed, []);

  // What the caller has seen the beginning of cannot begin again elsewhere.
  await stream.end;
  assert.match(stream.error.message, /egress cannot be reached/);
  const { attempts } = await wentThrough(spare, (await waiting).id, SPARE_PRICE);
  assert.deepEqual(attempts.map(({ egress, fail }) => [egress, fail]), [["central", "egress-unreachable"], ["spare", ""]]);
  await provider.callsOf(words, 2);

  const { id } = await app.ask(provider.says("prompt=100000 completion=1"));
  assert.equal((await wentThrough(spare, id, SPARE_PRICE)).attempts.length, 1);
  const { status, text } = await readyz();
  assert.equal(status, 200);
  assert.match(text, /^central: 0 of 2 links are up\nready\n$/);
});

story("a node that starts while its first parent is away is ready by the second", async () => {
  await node.stop();
  await node.start();
  assert.equal(await egressOf(), "spare");
});

story("the first is back: it is preferred again, and nobody hears of it", async () => {
  const load = new Load([app, app], { script: "tokens=5 interval_ms=20" });
  await central.start();
  await linked();
  const before = load.asked.length;
  await until("requests go on", () => load.asked.length > before + 10);
  assert.equal(await egressOf(), "central");
  await load.stop();
  assert.deepEqual(load.failed, []);
  await until("receipts agree", async () => (await node.verify()).code === 0);
});

story("without any parent it is refused, and says so", async () => {
  for (const link of Object.values(lab.links)) link.close();
  await until("it is noticed", async () => (await readyz()).status === 503);
  await until("all are down", async () => /no link to an egress is up/.test((await readyz()).text));
  const error = await app.refused(provider.says());
  assert.deepEqual([error.status, error.router], [503, "egress-unreachable"]);
  for (const link of Object.values(lab.links)) link.heal();
  await linked();
});

story("parents change places by a reload; what is under way stays where it is", async () => {
  const down = (await node.counters()).gsr_links_down_total;
  const stream = app.stream(provider.says("tokens=40 interval_ms=25"));
  await stream.heard(2);
  await parents("spare", "central");
  const { id } = await app.ask(provider.says());
  await wentThrough(spare, id, SPARE_PRICE);
  await stream.end;
  assert.equal(stream.error, null);
  assert.equal(stream.text.split(" ").length - 1, 40);
  await wentThrough(central, stream.id, PRICE);
  assert.equal((await node.counters()).gsr_links_down_total, down);
});

story("a parent that leaves takes its streams along, and nothing else", async () => {
  // A group that nobody would serve is not signed: it leaves first.
  const refused = topology.copy();
  await assert.rejects(parents("central"), /neither this file nor egress\/central.yaml has a model 'openai\/gpt-5'/);
  refused();
  await topology.change("node/payments.yaml", ({ groups }) => delete groups.large);
  const { waiting } = await unanswered();
  const stream = app.stream(provider.stallsAfter(3));
  await stream.heard(2);
  await parents("central");
  await stream.end;
  assert.match(stream.error.message, /egress cannot be reached/);
  assert.equal((await node.explain(stream.id)).request.egress, "spare");
  const { attempts } = await wentThrough(central, (await waiting).id, PRICE);
  assert.equal(attempts[0].egress, "spare");
  assert.deepEqual(await readyz(), { status: 200, text: "ready\n" });

  await parents("central", "spare");
  await topology.change("node/payments.yaml", ({ groups }) => (groups.large = { strategy: "static", targets: ["openai/gpt-5"] }));
  assert.equal((await node.reload()).why, "");
  await linked();
  assert.equal(await egressOf(), "central");
  assert.equal(await egressOf(large), "spare");
  await until("receipts of both are there", async () => {
    const told = await node.explain(stream.id);
    return told.receipts.length > 0 && (await node.verify()).code === 0;
  });
});

story("each ledger has what went through its egress, and receipts for all of it", async () => {
  const mine = (await node.rows(100_000)).filter((row) => row.attempts > 0);
  const ids = new Map();
  for (const egress of [central, spare])
    for (const row of await egress.rows(100_000)) ids.set(`${egress.name} ${row.request}`, row);
  assert.ok(mine.some((row) => row.egress === "central") && mine.some((row) => row.egress === "spare"));
  for (const row of mine.filter((row) => row.status === 200))
    assert.ok(ids.has(`${row.egress} ${row.id}`), `${row.id} is not in the ledger of ${row.egress}`);
  assert.equal((await node.verify()).code, 0);
});
