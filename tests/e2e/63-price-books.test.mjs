// What a call costs, by which prices, and how anybody finds that again later.
import assert from "node:assert/strict";

import { Caller, mesh, story, until } from "./lab.mjs";

const LIST = {
  input: 3, cached_input: 0.3, cache_write_5m: 3.75, cache_write_1h: 6, output: 15, reasoning: 16, request: 0.005,
  above: { 200000: { input: 6, cached_input: 0.6, cache_write_5m: 7.5, cache_write_1h: 12, output: 22.5, reasoning: 24 } },
};

const lab = await mesh({
  teams: ["payments", "search"], model: { price: LIST },
  team: (name) => (name === "search" ? { models: ["openai/*"] } : {}),
});
const { egress, node, provider, topology } = lab;
const { search } = lab.nodes;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const own = new Caller(node, app.token, "own");
const seeker = await search.caller("app", { groups: ["assistant"] });

const pricesOf = async (member, ...words) => JSON.parse(await member.says("get", "prices", "--json", ...words));

// By numbers that are as long as they need to be.
function cost(lines, row) {
  const tokens = (...names) => names.reduce((sum, name) => sum + BigInt(row[name]), 0n);
  const input = tokens("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens");
  const price = lines.filter((line) => line.target === row.target && (line.above === 0 || input > BigInt(line.above))).at(-1);
  const sum = [
    [row.input_tokens - row.image_tokens, "input"], [row.image_tokens, "image"], [row.cache_read_tokens, "cached_input"],
    [row.cache_write_tokens, "cache_write_5m"], [row.cache_write_1h_tokens, "cache_write_1h"],
    [row.output_tokens, "output"], [row.reasoning_tokens, "reasoning"],
  ].reduce((all, [count, name]) => all + BigInt(count) * BigInt(price[name]), 0n);
  const called = row.usage_source === "none" ? 0n : BigInt(price.request);
  return Number((sum + 500_000n) / 1_000_000n + called + BigInt(row.web_searches) * BigInt(price.web_search));
}

// The attempt of a request as both ledgers have it; by the book that each
// keeps under the name in its row, it costs what it cost.
async function costsWhatItCost(id) {
  const rows = [];
  for (const member of [node, egress]) {
    const { code, out } = await member.tries("explain", id, "--json");
    if (code !== 0) continue;
    const attempt = JSON.parse(out).attempts[0];
    const lines = await pricesOf(member, "--book", attempt.price_book);
    assert.equal(cost(lines, attempt), attempt.cost_microusd, `${member.name}: ${JSON.stringify(attempt)}`);
    rows.push(attempt);
  }
  return rows;
}

const draw = (most) => Math.floor(most * 10 ** (-4 * Math.random()));

// Words for a call of any usage.
function anything() {
  const prompt = 1 + draw(500_000);
  const cached = draw(prompt / 2);
  const completion = 1 + draw(20_000);
  return provider.says(`tokens=1 prompt=${prompt} cached=${cached} cache_write=${draw((prompt - cached) / 2)} completion=${completion} reasoning=${draw(completion)}`);
}

async function priced(change) {
  await topology.change("egress/central.yaml", change);
  assert.deepEqual((await egress.reload()).why, "");
}

const asked = [];

story("node and egress name the same book of a call, each from its own data", async () => {
  const { id } = await app.ask(provider.says("tokens=1 prompt=1000 completion=1000"));
  const [ours, theirs] = await costsWhatItCost(id);
  assert.match(ours.price_book, /^[0-9a-f]{32}$/);
  assert.equal(ours.price_book, theirs.price_book);
  assert.equal(ours.cost_microusd, 3000 + 15000 + 5000);
  const lines = await pricesOf(node, "--book", ours.price_book);
  assert.deepEqual(lines, await pricesOf(egress, "--book", ours.price_book));
  assert.deepEqual(lines.map(({ target, above, input, image, web_search }) => [target, above, input, image, web_search]),
    [["openai/gpt-5-mini", 0, 3_000_000, 3_000_000, 0], ["openai/gpt-5-mini", 200_000, 6_000_000, 6_000_000, 0]]);
  const mine = await own.ask(provider.says("tokens=1 prompt=1000 completion=1000"));
  const [row, nothing] = await costsWhatItCost(mine.id);
  assert.equal(nothing, undefined);
  assert.notEqual(row.price_book, ours.price_book);
  asked.push(id, mine.id);
});

story("a book has what its team is offered, and nothing of others", async () => {
  const found = await seeker.ask(provider.says("tokens=1"));
  const book = (await search.explain(found.id)).request.price_book;
  assert.equal((await egress.explain(found.id)).attempts[0].price_book, book);
  const targets = async (...words) => [...new Set((await pricesOf(...words)).map(({ target }) => target))];
  assert.deepEqual(await targets(search, "--book", book), ["openai/gpt-5", "openai/gpt-5-mini"]);
  assert.deepEqual(await targets(node), ["own/gpt-oss", "openai/gpt-5-mini"]);
  assert.deepEqual(await targets(egress, "--team", "payments"), ["openai/gpt-5-mini"]);
  assert.deepEqual(await targets(egress, "--team", "search"), ["openai/gpt-5", "openai/gpt-5-mini"]);
  assert.deepEqual((await pricesOf(egress, "--target", "openai/gpt-5")).map((line) => [line.for, line.book]), [["search", book]]);
  assert.equal((await node.tries("get", "prices", "--book", book)).code, 1);
  const text = await node.says("get", "prices", "--target", "openai/gpt-5-mini");
  assert.match(text, /openai\/gpt-5-mini +200000 +\$6\.000000/);
  const none = await egress.tries("get", "prices", "--target", "openai/none");
  assert.deepEqual([none.code, none.err], [1, "no target 'openai/none' has a price here\n"]);
});

story("any row of any book costs what it cost, to the micro-USD", async () => {
  for (let round = 0; round < 3; round++) {
    await priced(({ providers: { openai } }) => {
      openai.models["gpt-5-mini"].price.input = 3 + round + Math.floor(Math.random() * 1e6) / 1e6;
      openai.discount = `${round}%`;
    });
    const before = (await pricesOf(egress, "--team", "payments"))[0].book;
    await until("the catalog is there", async () => (await pricesOf(node)).some(({ book }) => book === before));
    for (let i = 0; i < 12; i++) asked.push((await app.ask(anything())).id);
  }
  const books = new Set();
  for (const id of asked) for (const row of await costsWhatItCost(id)) books.add(row.price_book);
  assert.ok(books.size >= 4, `${books.size} books`);
  const requests = await node.rows();
  for (const id of asked) {
    const { attempts } = await node.explain(id);
    assert.equal(requests.find((row) => row.id === id).cost_microusd, attempts[0].cost_microusd);
  }
});

story("a discount is in the book; a long request is dearer as a whole", async () => {
  await priced(({ providers: { openai } }) => {
    openai.models["gpt-5-mini"].price.input = 3;
    openai.discount = "12%";
  });
  const { id } = await until("the new price counts", async () => {
    const answer = await app.ask(provider.says("tokens=1 prompt=200001 cached=100000 completion=1000"));
    return (await node.explain(answer.id)).request.cost_microusd === Math.floor(100001 * 5.28 + 100000 * 0.528 + 1000 * 19.8 + 0.5) + 4400 && answer;
  });
  await costsWhatItCost(id);
  const short = await app.ask(provider.says("tokens=1 prompt=200000 completion=1000"));
  assert.equal((await node.explain(short.id)).request.cost_microusd, 200000 * 2.64 + 1000 * 13.2 + 4400);
});

story("prices that come while a call is under way are not its prices", async () => {
  const slow = provider.says("tokens=1 prompt=1000 completion=1 latency_ms=1200");
  const waits = app.ask(slow);
  await until("it is called", async () => (await provider.callsOf(slow, 1)).length === 1);
  const before = (await pricesOf(egress, "--team", "payments"))[0].book;
  await priced(({ providers: { openai } }) => (openai.models["gpt-5-mini"].price.output = 99));
  const [ours, theirs] = await costsWhatItCost((await waits).id);
  assert.deepEqual([ours.price_book, theirs.price_book], [before, before]);
  assert.notEqual((await pricesOf(egress, "--team", "payments"))[0].book, before);
});

story("what the provider says it charged stands beside ours, as text and as a number", async () => {
  const body = (usage) => JSON.stringify({
    id: "c", object: "chat.completion", model: "gpt-5-mini",
    choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1000, completion_tokens: 10, ...usage },
  });
  const say = async (usage) => {
    await provider.ask("answers?type=application/json", { method: "POST", body: body(usage) });
    return costsWhatItCost((await app.ask({ text: "hi" })).id);
  };
  for (const [cost, text, number] of [[0.0031405, "0.0031405", 3141], [2e-7, "2e-7", 0], [{ total_cost: 1.5 }, "1.5", 1_500_000]])
    for (const row of await say({ cost })) assert.deepEqual([row.provider_cost, row.stated_microusd], [text, number]);
  for (const row of await say({ prompt_tokens_details: { cached_tokens: 100, image_tokens: 600 } }))
    assert.deepEqual([row.input_tokens, row.image_tokens, row.provider_cost], [900, 600, ""]);
  for (const row of await say({ server_tool_use: { web_search_requests: 2 } })) assert.equal(row.web_searches, 2);
});

story("what was saved stays what it was when prices change", async () => {
  const saved = async () => JSON.parse(await search.says("report", "--baseline", "openai/gpt-5", "--json")).total;
  const ask = () => seeker.ask(provider.says("tokens=1 prompt=1000 completion=1000"));
  const offered = async () => (await pricesOf(search)).find(({ target }) => target === "openai/gpt-5-mini").book;
  await priced(({ providers: { openai } }) => {
    delete openai.discount;
    openai.models["gpt-5-mini"].price = { input: 0.25, output: 2 };
    openai.models["gpt-5"].price = { input: 5, output: 40 };
  });
  const old = (await pricesOf(egress, "--team", "search"))[0].book;
  await until("the catalog is there", async () => (await offered()) === old);
  const first = await saved();
  await ask();
  const before = await saved();
  assert.equal(before.savings_requests, first.savings_requests + 1);
  assert.equal(before.cost_microusd - first.cost_microusd, 2250);
  assert.equal(before.baseline_microusd - first.baseline_microusd, 45_000);
  await priced(({ providers: { openai } }) => {
    openai.models["gpt-5-mini"].price = { input: 1, output: 1 };
    openai.models["gpt-5"].price = { input: 50, output: 50 };
  });
  await until("the catalog is there", async () => (await offered()) !== old);
  assert.deepEqual(await saved(), before);
  await ask();
  const after = await saved();
  assert.equal(after.cost_microusd - before.cost_microusd, 2000);
  assert.equal(after.baseline_microusd - before.baseline_microusd, 100_000);
});

story("books outlast a kill, and are read without a daemon", async () => {
  const listed = async (member) => (await pricesOf(member, "--books")).map(({ book }) => book);
  const [ours, theirs] = [await listed(node), await listed(egress)];
  assert.ok(ours.length >= 6, `${ours.length} books`);
  for (const member of [node, egress]) await member.kill();
  assert.deepEqual([await listed(node), await listed(egress)], [ours, theirs]);
  for (const id of asked) await costsWhatItCost(id);
  const { code, err } = await node.tries("get", "prices");
  assert.equal(code, 1);
  assert.match(err, /--book HASH/);
  await egress.start();
  await node.start();
  await app.ask(provider.says("tokens=1"));
  for (const id of asked.slice(-5)) await costsWhatItCost(id);
  assert.equal((await node.verify()).code, 0);
});
