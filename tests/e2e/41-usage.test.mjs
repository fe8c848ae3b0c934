// What callers, operators and programs see of limits: headers that the SDKs'
// users read, GET /v1/usage, get limits, events and gauges.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { mesh, story, until } from "./lab.mjs";
import { binary } from "./lab/program.mjs";

// One request in twenty seconds comes free, and 1666 tokens in one: what was
// taken has not come back before anybody looks.
const TIER = { limits: { rpm: 3, tpm: 100000, concurrent: 4 }, budget: { month_usd: 5, day_requests: 50 } };

const lab = await mesh({
  node: {
    projects: { checkout: { budget: { lifetime_requests: 10, warn_at: "50%" } }, idle: { budget: { month_usd: 12.5 } } },
    tiers: {
      metered: TIER,
      slow: { limits: { rpm: 1 } },
      poor: { budget: { lifetime_usd: 0.000001 } },
      smooth: { shaping: { rpm: 1, burst: 1 } },
    },
  },
});
const { node, provider } = lab;
const GROUPS = ["assistant", "own"];
const token = async (name, ...more) =>
  (await node.says("token", "create", name, "--groups", GROUPS.join(","), ...more)).trim();
const openai = (key) => new OpenAI({ apiKey: key, baseURL: `${node.url}/v1`, maxRetries: 0 });
const anthropic = (key) => new Anthropic({ apiKey: key, baseURL: node.url, maxRetries: 0 });
const message = (words) => [{ role: "user", content: words.text }];

const get = async (key, path = "/v1/usage") => {
  const answer = await fetch(node.url + path, { headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, json: await answer.json() };
};
const limits = async (...more) => JSON.parse(await node.says("get", "limits", "--json", ...more));

const meter = (name) => token(name, "--tier", "metered", "--project", "checkout");
const metered = await meter("metered");
const free = await token("free");

const families = (headers) => [...headers.keys()].filter((name) => /ratelimit|x-router-budget/.test(name));

story("OpenAI's clients read what is left, of whole answers and of streams", async () => {
  const key = await meter("reader");
  const chat = (more) => openai(key).chat.completions
    .create({ model: "assistant", messages: message(provider.says("tokens=2 prompt=60000 completion=2")), ...more }).withResponse();
  const { response } = await chat();
  const { headers } = response;
  assert.equal(headers.get("x-ratelimit-limit-requests"), "3");
  assert.equal(headers.get("x-ratelimit-remaining-requests"), "2");
  assert.match(headers.get("x-ratelimit-reset-requests"), /^[12]\d(\.\d+)?s$/);
  assert.equal(headers.get("x-ratelimit-limit-tokens"), "100000");
  const left = Number(headers.get("x-ratelimit-remaining-tokens"));
  assert.ok(left < 100000 && left >= 39998, left);
  assert.match(headers.get("x-ratelimit-reset-tokens"), /^\d+(\.\d+)?s$/);

  const stream = await chat({ stream: true });
  for await (const _ of stream.data);
  assert.equal(stream.response.headers.get("x-ratelimit-limit-requests"), "3");
  assert.ok(Number(stream.response.headers.get("x-ratelimit-remaining-requests")) <= 2);
  // A stream's head leaves while all that it may take is held.
  assert.ok(Number(stream.response.headers.get("x-ratelimit-remaining-tokens")) < 100000);
});

story("so do clients of the Responses API", async () => {
  const { response } = await openai(await meter("responder")).responses
    .create({ model: "own", input: provider.says("tokens=2").text, store: false }).withResponse();
  assert.equal(response.headers.get("x-ratelimit-limit-requests"), "3");
});

story("Anthropic's clients read it in their own words, also when they count", async () => {
  const key = await meter("anthropic");
  const before = Date.now();
  const { response } = await anthropic(key).messages
    .create({ model: "own", max_tokens: 100, messages: message(provider.says("tokens=2")) }).withResponse();
  const { response: count } = await anthropic(key).messages
    .countTokens({ model: "own", messages: message(provider.says()) }).withResponse();
  const after = Date.now();
  for (const { headers } of [response, count]) {
    assert.equal(headers.get("anthropic-ratelimit-requests-limit"), "3");
    assert.ok(Number(headers.get("anthropic-ratelimit-requests-remaining")) < 3);
    assert.equal(headers.get("anthropic-ratelimit-tokens-limit"), "100000");
    assert.match(headers.get("anthropic-ratelimit-tokens-reset"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const reset = Date.parse(headers.get("anthropic-ratelimit-requests-reset"));
    assert.ok(reset >= before && reset <= after + 61_000, reset - before);
    assert.equal(headers.get("x-ratelimit-limit-requests"), null);
  }
});

story("who has no limit is told of none", async () => {
  const { response } = await openai(free).chat.completions
    .create({ model: "assistant", messages: message(provider.says("tokens=2")) }).withResponse();
  assert.deepEqual(families(response.headers), []);
});

story("a refusal has the headers too, and says when to come back", async () => {
  const slow = await token("slow", "--tier", "slow");
  const ask = () => openai(slow).chat.completions.create({ model: "own", messages: message(provider.says("tokens=2")) });
  const began = Date.now();
  await ask();
  const error = await ask().catch((e) => e);
  assert.equal(error.status, 429);
  assert.equal(error.headers.get("x-router-error"), "rate-limited");
  assert.equal(error.headers.get("x-ratelimit-limit-requests"), "1");
  assert.equal(error.headers.get("x-ratelimit-remaining-requests"), "0");
  const [s, ms] = ["retry-after", "retry-after-ms"].map((name) => Number(error.headers.get(name)));
  assert.ok(ms >= 60_000 - (Date.now() - began) && ms <= 60_000 && s === Math.ceil(ms / 1000), `${s} s, ${ms} ms`);
  assert.equal(error.headers.get("x-should-retry"), null);
});

story("a spent budget is no rate limit: clients stop, and read what is held and spent", async () => {
  const poor = await token("poor", "--tier", "poor");
  const words = () => ({ model: "own", max_tokens: 100, messages: message(provider.says("tokens=2")) });
  const chat = await openai(poor).chat.completions.create(words()).catch((e) => e);
  assert.deepEqual([chat.status, chat.code], [429, "insufficient_quota"]);
  const messages = await anthropic(poor).messages.create(words()).catch((e) => e);
  assert.deepEqual([messages.status, messages.error.error.type], [402, "billing_error"]);
  for (const { headers, message: text } of [chat, messages]) {
    assert.equal(headers.get("x-should-retry"), "false");
    assert.equal(headers.get("retry-after"), null);
    assert.equal(headers.get("retry-after-ms"), null);
    assert.match(text, /caller poor lifetime_usd: 0\.000001 USD, of which 0 are spent and 0 held/);
  }
});

story("a caller sees its own limits and what it shares, and nobody else's", async () => {
  const before = (await get(metered)).json;
  await openai(metered).chat.completions
    .create({ model: "assistant", messages: message(provider.says("tokens=3 prompt=40 completion=9")) });
  const { status, json } = await until("it is counted", async () => {
    const seen = await get(metered);
    return seen.json.spent.day.requests > before.spent.day.requests && seen;
  });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json), ["object", "at", "caller", "tier", "limits", "budgets", "spent", "shaping", "shared"]);
  assert.deepEqual([json.object, json.caller, json.tier, json.shaping], ["router.usage", "metered", "metered", null]);
  assert.equal(json.limits.rpm.limit, 3);
  assert.ok(json.limits.rpm.remaining < 3 && Date.parse(json.limits.rpm.resets_at) > Date.parse(json.at));
  assert.deepEqual(json.limits.concurrent, { limit: 4, remaining: 4, resets_at: null });
  const [requests, usd] = json.budgets;
  assert.deepEqual([requests.name, requests.limit, requests.held], ["day_requests", 50, 0]);
  assert.equal(requests.spent + requests.remaining, 50);
  assert.equal(requests.spent, json.spent.day.requests);
  assert.match(requests.resets_at, /T00:00:00\.000000Z$/);
  assert.deepEqual([usd.name, usd.limit, usd.held], ["month_usd", "5.000000", "0.000000"]);
  assert.equal(usd.spent, json.spent.month.usd);
  const micro = (text) => Math.round(Number(text) * 1e6);
  assert.equal(micro(usd.spent) + micro(usd.remaining), 5e6);
  assert.equal(micro(usd.spent) - micro(before.spent.month.usd), Math.floor(40 * 0.25 + 9 * 2 + 0.5));
  assert.equal(json.spent.lifetime.tokens - before.spent.lifetime.tokens, 49);
  assert.deepEqual(json.shared.map(({ level, name }) => [level, name]), [["project", "checkout"]]);
  assert.equal(json.shared[0].budgets[0].name, "lifetime_requests");
  assert.ok(!JSON.stringify(json).match(/idle|free|slow/));
});

story("it is there below each dialect's path, and only for a token", async () => {
  for (const path of ["/openai/v1/usage", "/anthropic/v1/usage"]) {
    const { status, json } = await get(free, path);
    assert.deepEqual([status, json.caller, json.budgets, json.shared], [200, "free", [], []]);
    assert.ok(json.spent.lifetime.requests >= 1);
  }
  assert.equal((await get("gsr_nobody")).status, 401);
  const smooth = await token("smooth", "--tier", "smooth");
  assert.deepEqual((await get(smooth)).json.shaping, {
    rpm: 1, burst: 1, tpm: null, input_tpm: null, output_tpm: null, token_burst: null, concurrent: null, queue_ms: 0, queue_depth: 100,
  });
});

story("a budget past its threshold is told before it is spent", async () => {
  const { response } = await openai(metered).chat.completions
    .create({ model: "own", messages: message(provider.says("tokens=2")) }).withResponse();
  assert.match(response.headers.get("x-router-budget"), /^project checkout lifetime_requests \d+% used$/);
  assert.match(await node.says("get", "metrics"), /^gsr_budget_warnings_total [1-9]/m);
});

story("operators see who has what left, also of those who never came", async () => {
  const { holders } = await limits();
  const of = (level, name) => holders.find((h) => h.level === level && h.name === name);
  assert.equal(of("project", "idle").budgets[0].limit, "12.500000");
  assert.equal(of("caller", "metered").tier, "metered");
  assert.deepEqual(of("caller", "free").budgets, []);
  const text = await node.says("get", "limits");
  assert.match(text, /^project +idle +- +- +- +0 +month_usd +0 +0 +12\.5 +0%$/m);
  assert.match(text, /^caller +metered +metered +\d+\/3 +\d+\/100000 +0\/4 +day_requests +\d+ +0 +50 +\d+%$/m);
  const only = await limits("--project", "checkout");
  assert.deepEqual(only.holders.map((h) => h.name), ["checkout"]);
  assert.deepEqual(only.gates, []);
  const { code, err } = await node.tries("get", "limits", "--caller", "nobody");
  assert.deepEqual([code, err], [1, "nobody of that name has a limit or spent anything\n"]);
});

story("what is under way is held, and seen while it is", async () => {
  const stream = await openai(metered).chat.completions
    .create({ model: "own", stream: true, messages: message(provider.stallsAfter(1)) });
  const { holders: [held] } = await limits("--caller", "metered");
  assert.equal(held.running, 1);
  assert.ok(Number(held.budgets.find((b) => b.name === "month_usd").held) > 0);
  const metrics = await node.says("get", "metrics");
  assert.match(metrics, /^gsr_limit_held_ratio\{level="caller",name="metered",sum="month_usd"\} 0\.\d/m);
  assert.match(metrics, /^gsr_limit_used_ratio\{level="caller",name="metered",sum="concurrent"\} 0\.25$/m);
  stream.controller.abort();
  await until("nothing is held", async () => (await limits("--caller", "metered")).holders[0].running === 0);
});

story("smoothing is seen as a gate, a gauge and an event", async () => {
  const smooth = await token("smoother", "--tier", "smooth");
  const ask = () => openai(smooth).chat.completions
    .create({ model: "own", messages: message(provider.says("tokens=2")) });
  const began = Date.now();
  await ask();
  const error = await ask().catch((e) => e);
  const id = error.headers.get("x-request-id");
  assert.equal(error.headers.get("x-router-error"), "traffic-shaped");
  assert.ok(Number(error.headers.get("retry-after-ms")) >= 60_000 - (Date.now() - began));

  const { gates } = await limits("--caller", "smoother");
  assert.deepEqual(gates.map((g) => [g.gate, g.model, g.running, g.waiting, g.rates.rpm.per_minute]),
    [["caller smoother", "", 0, 0, 1]]);
  assert.match(await node.says("get", "limits"), /^caller smoother +- +0 +0 +0\/1 +- +- +-$/m);
  assert.match(await node.says("get", "metrics"), /^gsr_gate_waiting\{gate="caller smoother"\} 0$/m);
  const events = (...more) => node.says("get", "events", ...more);
  const text = await until("its event", async () => {
    const told = await events("--request", id);
    return told.includes(id) && told;
  });
  assert.match(text, new RegExp(`traffic-shaped +${id} +smoother +router +caller smoother rpm refused, free in `));
  assert.ok(!/target|until/.test(text.split("\n")[0]), text);
  const [event, ...others] = JSON.parse(await events("--kind", "traffic-shaped", "--request", id, "--json"));
  assert.deepEqual([others.length, event.caller, event.bucket, event.outcome], [0, "smoother", "caller smoother rpm", "refused"]);
  assert.deepEqual(JSON.parse(await events("--kind", "overdraft", "--request", id, "--json")), []);
  assert.equal((await node.tries("get", "events", "--request", "req_1")).code, 2);
});

story("it is drawn again each second, until it is ended", async () => {
  const watching = spawn(binary("gsr-node"), ["get", "limits", "--project", "checkout", "--watch", "--state", node.state]);
  const ended = new Promise((ok) => watching.on("exit", (code, signal) => ok([code, signal])));
  let text = "";
  watching.stdout.on("data", (bytes) => (text += bytes));
  await until("it was drawn twice", () => text.match(/^level/gm)?.length >= 2);
  watching.kill("SIGINT");
  assert.deepEqual(await ended, [null, "SIGINT"]);
});
