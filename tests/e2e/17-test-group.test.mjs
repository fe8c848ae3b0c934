// `gsr-node test`: what each target of a group is said to be able to do is
// tried, through the router and directly; results are kept as evidence.
import assert from "node:assert/strict";

import { Authority, mesh, OWN_PRICE, PRICE, story } from "./lab.mjs";

const ALL = ["tools", "images", "documents", "json_schema", "reasoning"];
const able = { price: OWN_PRICE, supports: ALL };

const lab = await mesh({
  grants: ["openai/able"],
  providers: (provider) => ({
    openai: {
      type: "openai", base_url: provider.url, api_key: "secret/openai",
      models: {
        "gpt-5-mini": { price: PRICE, supports: ["tools"] },
        able: { price: PRICE, supports: ALL },
      },
    },
  }),
  upstreams: (provider) => ({
    own: {
      type: "vllm", base_url: provider.url, api_key: "secret/own",
      models: {
        "gpt-oss": { price: OWN_PRICE }, able, blind: able, simple: { price: OWN_PRICE, supports: ["tools"] },
      },
    },
  }),
  groups: {
    single: { strategy: "static", targets: ["own/able"] },
    // Its second target is only reached by who may choose it.
    pair: { strategy: "failover", targets: ["own/able", "openai/able"] },
    simple: { strategy: "static", targets: ["own/simple"] },
    strict: {
      strategy: "failover", targets: ["own/able", "own/blind"],
      contract: { requires: ["images"], evidence: "1h" },
    },
  },
});
const { node, provider } = lab;

// What a model that can see would say of the picture and the page.
const say = (text) => `say=${Buffer.from(text).toString("base64url")}`;
const obliging = `obliging=1 tokens=40 ${say("red, a heron")}`;
for (const model of ["able", "simple"]) await provider.script(`for_model=${model} ${obliging}`);
await provider.script(`for_model=blind obliging=1 ${say("blue")}`);

async function test(group, ...words) {
  const { code, out, err } = await node.tries("test", group, "--json", ...words);
  assert.match(out, /^\{/, err);
  return { code, err, ...JSON.parse(out) };
}

const evidence = async (group) => JSON.parse(await node.says("get", "evidence", "--group", group, "--json"));
const names = (results, result) => results.filter((r) => r.result === result).map((r) => r.capability);

story("a capable target passes, both ways", async () => {
  const run = await test("single");
  assert.deepEqual(run.results.filter((r) => r.result === "failed"), []);
  assert.equal(run.code, 0);
  for (const capability of ALL)
    assert.deepEqual(
      run.results.filter((r) => r.capability === capability).map((r) => [r.way, r.result]),
      [["router", "ok"], ["direct", "ok"]], capability);
  for (const dialect of ["chat", "responses", "messages"])
    assert.ok(names(run.results, "ok").includes(`stream-${dialect}`));
  for (const name of ["refuses-wrong-token", "refuses-unknown-group", "refuses-bad-json"])
    assert.ok(names(run.results, "ok").includes(name));
});

story("results are evidence: dated, signed, and about this target", async () => {
  const rows = await evidence("single");
  const row = rows.find((r) => r.capability === "images" && r.way === "router");
  assert.equal(row.passed, true);
  assert.equal(row.target, "own/able");
  assert.equal(row.signer, "payments");
  assert.ok(Date.now() - Date.parse(row.tested_at) < 60_000);
  const { request } = await node.explain(row.request);
  assert.equal(request.target, "own/able");
  assert.equal(request.status, 200);
});

story("evidence outlives a restart", async () => {
  const before = await evidence("single");
  await node.stop();
  await node.start();
  assert.deepEqual(await evidence("single"), before);
});

story("a model that does not see what is put before it fails, and the command with it", async () => {
  const run = await test("strict", "--capability", "images", "--target", "own/blind");
  assert.equal(run.code, 1);
  assert.deepEqual(run.results.filter((r) => r.way === "direct").map((r) => [r.result, r.why]), [["failed", "not-seen"]]);
});

story("what a target is stated not to do is refused, and nobody is called", async () => {
  const run = await test("simple");
  assert.deepEqual(run.results.filter((r) => r.result === "failed"), []);
  assert.ok(names(run.results, "ok").includes("without-images"));
  assert.ok(names(run.results, "ok").includes("without-reasoning"));
});

story("each target of a group is tried, whatever the strategy puts first", async () => {
  const run = await test("pair");
  assert.deepEqual(run.results.filter((r) => r.result === "failed"), []);
  for (const target of ["own/able", "openai/able"])
    assert.ok(run.results.some((r) => r.target === target && r.capability === "images" && r.result === "ok"), target);
  assert.deepEqual([...new Set(run.results.filter((r) => r.way === "direct").map((r) => r.target))], ["own/able"]);
  const rows = await evidence("pair");
  for (const row of rows.filter((r) => r.passed && r.way === "router" && r.capability === "tools"))
    assert.equal((await node.explain(row.request)).request.target, row.target);
});

story("a contract that demands evidence opens to who has it, and to nobody else", async () => {
  const app = await node.caller("strict", { groups: ["strict"] });
  assert.equal((await app.refused({ text: "hello" })).status, 502);
  await test("strict");
  const { text } = await app.ask({ text: "hello" });
  assert.match(text, /heron/);
});

story("the token of a test may be used by nobody afterwards", async () => {
  const { out } = await node.tries("token", "list", "--json");
  const tokens = JSON.parse(out).filter((token) => token.name.startsWith("test-"));
  assert.ok(tokens.length > 0);
  for (const token of tokens) assert.equal(token.state, "revoked");
});

story("an upstream that cannot be reached fails by name", async () => {
  await provider.script("for_model=simple status=503 body=server");
  const run = await test("simple", "--capability", "tools");
  assert.equal(run.code, 1);
  assert.deepEqual(run.results.filter((r) => r.result === "failed" && r.way === "direct").map((r) => r.why), ["status-503"]);
  await provider.script(`for_model=simple ${obliging}`);
});

story("what cannot be asked for is said", async () => {
  assert.match((await node.tries("test", "nobody")).err, /no group is named 'nobody'/);
  const way = await node.tries("test", "single", "--way", "sideways");
  assert.equal(way.code, 2);
  assert.match(way.err, /router, direct or both/);
});

story("a node that callers reach by HTTPS is tested by HTTPS", async () => {
  const authority = await new Authority().make();
  await authority.issue();
  const closed = await mesh({ node: { tls: authority.paths } });
  const words = ["test", "own", "--way", "router", "--capability", "text", "--json"];
  const good = await closed.node.tries(...words, "--ca-file", authority.file);
  assert.equal(good.code, 0, good.out + good.err);
  const blind = JSON.parse((await closed.node.tries(...words)).out);
  assert.deepEqual([...new Set(blind.results.map((r) => r.why))], ["no-trust"]);
});
