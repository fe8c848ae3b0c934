// A provider's invoice against the ledger: made of what the provider itself
// was called for, and of what somebody asked beside the router.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { exportBoth, mesh, OWN_PRICE, PRICE, run, binary, story } from "./lab.mjs";

const lab = await mesh();
const { node, egress, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const DAY = 86_400;

// What the provider was told to use, by the mark of a call.
const told = new Map();
const uses = (input, cached, output) => {
  const prompt = provider.says(`tokens=1 prompt=${input} cached=${cached} completion=${output}`);
  told.set(prompt.tag, { input, cached, output });
  return prompt;
};

// Its own log, by UTC day.
const used = (model) => provider.log().filter((call) => call.model === model && told.has(call.tag)).map(({ tag }) => told.get(tag));
const sum = (calls, of) => calls.reduce((all, call) => all + of(call), 0);
const start = (Math.floor(Date.now() / 1000 / DAY)) * DAY;

const usage = (calls, model) => [
  "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens",
  `${start},${start + DAY},,,proj_1,${calls.length},${model}-2025-08-07,${sum(calls, ({ input }) => input)},${sum(calls, ({ output }) => output)},${sum(calls, ({ cached }) => cached)}`,
].join("\r\n");

const price = (calls, { input, cached_input = input, output }) =>
  sum(calls, (call) => (call.input - call.cached) * input + call.cached * cached_input + call.output * output) / 1e6;

const costs = (calls, model, prices) => JSON.stringify({
  object: "page", has_more: false,
  data: [{ object: "bucket", start_time: start, end_time: start + DAY, results: [{ object: "organization.costs.result",
    amount: { value: price(calls, prices), currency: "usd" }, line_item: `${model}, all` }] }],
});

let files = 0;
const file = (text, name) => {
  const path = join(lab.place, `${++files}-${name}`);
  writeFileSync(path, text);
  return path;
};

const against = async (words, ...invoices) => {
  const end = await run(binary("gsr-egress"), ["ledger", "reconcile", ...invoices.flatMap((path) => ["--invoice", path]), ...words, "--json"]);
  return { ...end, said: end.out.startsWith("{") ? JSON.parse(end.out) : undefined };
};
const ofEgress = ["--state", egress.state];
const named = ({ residuals }) => Object.fromEntries(residuals.map(({ residual, explained, ...figures }) => [residual, figures]));

// Every quantity: what has a name comes to the whole difference.
const wholly = (said) => {
  for (const [name, difference] of Object.entries(said.difference)) {
    assert.equal(difference, said.invoice[name] - said.ledger[name], name);
    assert.equal(sum(said.residuals, (part) => part[name]), difference, name);
    assert.equal(sum(said.cells, (part) => part[name]), difference, name);
  }
};

story("what was routed and nothing else is an invoice that agrees, beside the running daemon", async () => {
  for (const [input, cached, output] of [[1000, 0, 50], [2000, 1500, 10], [123, 0, 4567]]) await app.ask(uses(input, cached, output));
  const calls = used("gpt-5-mini");
  assert.equal(calls.length, 3);
  const { code, said, err } = await against(ofEgress, file(usage(calls, "gpt-5-mini"), "usage.csv"), file(costs(calls, "gpt-5-mini", PRICE), "costs.json"));
  assert.equal(code, 0, err + JSON.stringify(said));
  assert.equal(said.invoice_of, "OpenAI usage (CSV) + OpenAI costs (JSON)");
  assert.deepEqual([said.provider, said.member, said.clean, said.calls], ["openai", "central", true, 3]);
  assert.equal(said.invoice.requests, 3);
  assert.equal(said.ledger.input_tokens, 1623);
  assert.equal(said.ledger.cache_read_tokens, 1500);
  assert.deepEqual(Object.keys(named(said)).filter((name) => name !== "rounding"), []);
  wholly(said);
});

story("an export of the ledger does as well, with public keys alone", async () => {
  const out = await exportBoth(lab);
  const calls = used("gpt-5-mini");
  const { code, said, err } = await against(["--export", out.egress, "--topology", lab.topology.dir, "--operator-key", lab.operator],
    file(usage(calls, "gpt-5-mini"), "usage.csv"));
  assert.equal(code, 0, err + JSON.stringify(said));
  assert.deepEqual(said.residuals, []);
  // A node's export has the calls of its own upstreams; those of the egress are the egress's.
  const foreign = await against(["--export", out.node], file(usage(calls, "gpt-5-mini"), "usage.csv"));
  assert.match(foreign.err, /taken as it stands/);
  assert.equal(foreign.code, 1);
  assert.equal(foreign.said.calls, 0);
});

story("who uses the key beside the router is on the invoice alone", async () => {
  const beside = uses(500, 0, 20);
  const answer = await fetch(`${provider.url}/chat/completions`, {
    method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${lab.keys.openai}` },
    body: JSON.stringify({ model: "gpt-5-mini", messages: [{ role: "user", content: beside.text }] }),
  });
  assert.equal(answer.status, 200);
  const calls = used("gpt-5-mini");
  assert.equal(calls.length, 4);
  const { code, said } = await against(ofEgress, file(usage(calls, "gpt-5-mini"), "usage.csv"), file(costs(calls, "gpt-5-mini", PRICE), "costs.json"));
  assert.equal(code, 1);
  wholly(said);
  const { rounding = { cost_microusd: 0 }, ...rest } = named(said);
  assert.ok(Math.abs(rounding.cost_microusd) <= 3, JSON.stringify(rounding));
  assert.deepEqual(rest, { "not-routed": { requests: 1, input_tokens: 500, cache_read_tokens: 0, output_tokens: 20, cost_microusd: 165 } });
  told.delete(beside.tag);
});

story("a price that changed at the provider is told, and by how much", async () => {
  const calls = used("gpt-5-mini");
  const dearer = { ...PRICE, output: PRICE.output + 1 };
  const { code, said } = await against(ofEgress, file(usage(calls, "gpt-5-mini"), "usage.csv"), file(costs(calls, "gpt-5-mini", dearer), "costs.json"));
  assert.equal(code, 1);
  wholly(said);
  const parts = named(said);
  assert.deepEqual(Object.keys(parts), ["price-book"]);
  assert.ok(Math.abs(parts["price-book"].cost_microusd - sum(calls, ({ output }) => output)) <= 3);
  assert.deepEqual([parts["price-book"].requests, parts["price-book"].output_tokens], [0, 0]);
  const text = await run(binary("gsr-egress"), ["ledger", "reconcile", "--state", egress.state, "--invoice", file(usage(calls, "gpt-5-mini"), "usage.csv"), "--invoice", file(costs(calls, "gpt-5-mini", dearer), "costs.json")]);
  assert.match(text.out, /^OpenAI usage \(CSV\) \+ OpenAI costs \(JSON\) against the ledger of central, provider openai, /);
  assert.match(text.out, /^price-book +0 +0 +0 +0 +\$0\.00/m);
  assert.match(text.out, /do NOT agree/);
});

story("a call that was killed is an estimate, of which the invoice tells the truth", async () => {
  const cut = provider.says("prompt=60 stall_after=1");
  const stream = app.stream(cut);
  await stream.heard(1);
  await egress.kill();
  await stream.end;
  await egress.start();
  const calls = [...used("gpt-5-mini"), { input: 60, cached: 0, output: 30 }];
  const { code, said, err } = await against(ofEgress, file(usage(calls, "gpt-5-mini"), "usage.csv"), file(costs(calls, "gpt-5-mini", PRICE), "costs.json"));
  assert.equal(code, 0, err + JSON.stringify(said));
  wholly(said);
  assert.ok(named(said).interrupted.cost_microusd > 0);
  assert.equal(said.clean, true);
});

story("a node's own upstream has an invoice too, as a plain table", async () => {
  const own = await node.caller("own", { groups: ["own"] });
  await own.ask(uses(800, 0, 40));
  const calls = used("gpt-oss");
  const day = new Date(start * 1000).toISOString().slice(0, 10);
  const plain = (model) => file(`Day;Model;Requests;Input;Output;Cost\n${day};${model};${calls.length};800;40;${price(calls, OWN_PRICE)}\n`, "plain.csv");
  const tries = (...words) => run(binary("gsr-node"), ["ledger", "reconcile", "--state", node.state, ...words, "--json"]);
  const { code, out, err } = await tries("--invoice", plain("gpt-oss"));
  assert.equal(code, 0, err + out);
  assert.equal(JSON.parse(out).provider, "own");
  const other = await tries("--invoice", plain("house model"));
  assert.equal(other.code, 1);
  assert.deepEqual(Object.keys(named(JSON.parse(other.out))).sort(), ["not-invoiced", "unknown-model"]);
  const same = await tries("--invoice", plain("house model"), "--same", "house model=gpt-oss");
  assert.equal(same.code, 0, same.err + same.out);
  await node.stop(); // from the store, too
  assert.equal((await tries("--invoice", plain("gpt-oss"))).code, 0);
  await node.start();
});

story("days whose rows retention took, or an export does not have, are not compared", async () => {
  const old = file("day,model,requests\n2020-02-02,gpt-5-mini,1\n", "old.csv");
  assert.equal((await against(ofEgress, old)).code, 1);
  await lab.topology.change("mesh.yaml", (all) => (all.retention = { usage: "30d" }));
  assert.equal((await egress.reload()).why, "");
  const { code, err } = await against(ofEgress, old);
  assert.equal(code, 1);
  assert.match(err, /retention took rows of these days/);
  const window = join(lab.place, "window");
  await egress.says("ledger", "export", "--out", window, "--from", "2021-01-01");
  assert.match((await against(["--export", window], old)).err, /has a part of these days only: export --from 2020-02-02/);
});

story("what is asked wrongly is told with what would be right", async () => {
  const good = file(usage(used("gpt-5-mini"), "gpt-5-mini"), "usage.csv");
  const nothing = file("a,b\n1,2\n", "nothing.csv");
  for (const [words, why] of [
    [["--invoice", nothing, ...ofEgress], /none of the exports that are taken.*CSV by its columns[^]*usage_date_utc\*[^]*cost_report/],
    [["--invoice", good], /--state DIR, a member's, or --export DIR/],
    [["--invoice", good, ...ofEgress, "--export", "x"], /--state DIR, a member's, or --export DIR/],
    [["--invoice", good, "--invoice", good, ...ofEgress], /are the same file/],
    [["--invoice", good, "x", "y", ...ofEgress], /leave the operands out/],
    [["--invoice", good, ...ofEgress, "--from", "2026-02-30"], /is no day/],
    [["--invoice", good, ...ofEgress, "--same", "x"], /--same is the invoice's name/],
    [["--invoice", join(lab.place, "none.csv"), ...ofEgress], /No such file/],
    [["--provider", "x", ...ofEgress], /are of invoices: give --invoice FILE/],
    [["--state", egress.state], /--topology DIR is needed/],
    [["--invoice", good, ...ofEgress, "--parent", "x"], /--parent and --month are of a live node/],
    [[], /two exports, NODE_EXPORT EGRESS_EXPORT; a running node, --state DIR.*; or --invoice FILE/],
    [["x"], /one of the three/],
    [["x", "y", "--from", "7d", "--topology", lab.place], /one of the three/],
    [["x", "y"], /--topology DIR is needed/],
  ]) {
    const { code, err } = await run(binary("gsr-egress"), ["ledger", "reconcile", ...words]);
    assert.notEqual(code, 0, words.join(" "));
    assert.match(err, why);
  }
});
