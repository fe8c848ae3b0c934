// Anthropic's SDK, unmodified, in its present and its former version: whatever
// dialect serves it, it sees what a provider of its own would have shown it.
import assert from "node:assert/strict";
import Now from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import Before from "anthropic-sdk-0";
import { z } from "zod";

import { answer, PAGE, RED, story, ways } from "./lab.mjs";

const { each, lab, all, through } = await ways({ fresh: 60 });
const { provider } = lab;

// The one sends a bearer token and the API of 2026, the other x-api-key and
// that of 2023.
const VERSIONS = [["SDK 1", Now], ["SDK 0", Before]];
const MODEL = "claude-opus-5-5";
const Weather = z.object({ city: z.string(), temp_c: z.number() });
const PARIS = { city: "Paris", temp_c: 21 };
const WEATHER = {
  name: "get_weather", description: "The weather in a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
};
const LINK = "https://pictures.invalid/red.png";

const sdk = (way, Sdk = Now, more = {}) =>
  new Sdk({ apiKey: way.token, baseURL: way.url, maxRetries: 0, timeout: 60_000, ...more });

const body = (words, more = {}) => ({
  model: MODEL, max_tokens: 1000, messages: [{ role: "user", content: words.text }], ...more,
});

const sent = async (words) => {
  await provider.callOf(words);
  return JSON.parse(await provider.lastBody());
};

async function gather(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

const textOf = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

// What of an answer may not depend on who gave it; seals are each one's own.
const seen = ({ role, content, stop_reason, stop_sequence }) => ({
  role, stop_reason, stop_sequence,
  content: content.map(({ type, text, thinking, name, input }) => ({ type, text, thinking, name, input })),
});

const figures = (usage) => [usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens];

for (const [version, Sdk] of VERSIONS) {
  each(`${version}: an answer`, (way) =>
    sdk(way, Sdk).messages.create(body(provider.says("tokens=3 prompt=40 cached=8 completion=9"))),
  (got, straight) => {
    assert.deepEqual([got.type, textOf(got), got.stop_reason], ["message", "t0 t1 t2 ", "end_turn"]);
    assert.deepEqual(figures(got.usage), [32, 8, 9]);
    assert.deepEqual(seen(got), seen(straight));
  });

  each(`${version}: a stream and its helper`, async (way) => {
    const stream = sdk(way, Sdk).messages.stream(body(provider.says("tokens=3 prompt=40 cached=8 completion=9")));
    const texts = [];
    stream.on("text", (piece, whole) => texts.push([piece, whole]));
    return { events: await gather(stream), final: await stream.finalMessage(), texts };
  }, ({ events, final, texts }, straight) => {
    const kinds = (list) => list.map((event) => event.type).filter((type) => type !== "ping");
    assert.deepEqual(kinds(events), kinds(straight.events));
    assert.deepEqual(seen(final), seen(straight.final));
    assert.deepEqual(texts, straight.texts);
    assert.deepEqual(figures(final.usage), [32, 8, 9]);
  });

  each(`${version}: thinking is shown, sealed, and comes back to who sealed it`, async (way) => {
    const words = provider.says(`tokens=1 thinking=2 blob=c2VhbGVk ${way.call("get_weather", PARIS)}`);
    const ask = body(words, { tools: [WEATHER], thinking: { type: "adaptive" }, output_config: { effort: "low" } });
    const first = await sdk(way, Sdk).messages.stream(ask).finalMessage();
    const call = first.content.find((block) => block.type === "tool_use");
    const second = await sdk(way, Sdk).messages.create({ ...ask, messages: [...ask.messages,
      { role: "assistant", content: first.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "21 degrees" }] }] });
    return { first, second, body: await provider.lastBody() };
  }, ({ first, second, body: last }, straight, way) => {
    assert.deepEqual(seen(first), seen(straight.first));
    assert.deepEqual(first.content.map((block) => block.type), ["thinking", "text", "tool_use"]);
    assert.equal(first.content[0].thinking, "h0 h1 ");
    assert.equal(textOf(second), "t0 ");
    assert.match(last, /21 degrees/);
    const key = { chat: null, responses: "encrypted_content", messages: "signature" }[way.spoken("messages")];
    if (key) assert.ok(last.includes(`"${key}":"c2VhbGVk"`), last);
  });
}

for (const [reason, finish] of [["max_tokens", "length"], ["refusal", "content_filter"]])
  each(`an answer that ends by ${reason}`, (way) => sdk(way).messages.create(body(provider.says(`tokens=2 finish=${finish}`))),
    (got) => assert.equal(got.stop_reason, reason));

each("a refusal is an answer that says so", (way) => sdk(way).messages.create(body(provider.says("refusal=2"))), (got) => {
  assert.equal(got.stop_reason, "refusal");
  assert.equal(textOf(got), "r0 r1 ");
});

for (const stream of [false, true])
  each(`tools called at once, one of which fails, stream ${stream}`, async (way) => {
    const words = provider.says(`tokens=1 ${way.call("get_weather", PARIS)} ${way.call("get_time", {})}`);
    const ask = body(words, { tools: [WEATHER, { ...WEATHER, name: "get_time" }], tool_choice: { type: "any" } });
    const { messages } = sdk(way);
    const say = async (question) => (stream ? messages.stream(question).finalMessage() : messages.create(question));
    const first = await say(ask);
    const [one, two] = first.content.filter((block) => block.type === "tool_use");
    const second = await say({ ...ask, tool_choice: { type: "auto" }, messages: [...ask.messages,
      { role: "assistant", content: first.content },
      { role: "user", content: [
        { type: "tool_result", tool_use_id: two.id, is_error: true, content: "no clock" },
        { type: "tool_result", tool_use_id: one.id, content: [{ type: "text", text: "21 degrees" }] },
        { type: "text", text: "Go on." }] }] });
    return { first, second, body: await provider.lastBody() };
  }, ({ first, second, body: last }, straight) => {
    assert.deepEqual(seen(first), seen(straight.first));
    assert.equal(first.stop_reason, "tool_use");
    assert.deepEqual(first.content.filter((block) => block.type === "tool_use").map((block) => [block.name, block.input]),
      [["get_weather", PARIS], ["get_time", {}]]);
    assert.equal(textOf(second), textOf(straight.second));
    for (const said of [/21 degrees/, /no clock/]) assert.match(last, said);
  });

// The newer one leaves the conversation with the provider, unless it is told
// otherwise: with the router it has to fall back to sending all of it.
async function runTools(way, Sdk, more = {}) {
  const words = provider.says(`tokens=1 ${way.call("get_weather", PARIS)}`);
  const asked = [];
  const tool = { ...WEATHER, type: "custom", parse: (input) => input, run: (input) => asked.push(input) && "21 degrees" };
  const final = await sdk(way, Sdk).beta.messages.toolRunner(body(words, { tools: [tool], ...more }));
  assert.deepEqual(asked, [PARIS]);
  assert.equal(textOf(final), "t0 ");
  assert.equal((await provider.calls(words)).length, 2);
  assert.ok(!JSON.parse(await provider.lastBody()).thread);
}

each("SDK 1: tools are run until there is an answer", (way) => runTools(way, Now, { thread: false }), () => {});
each("SDK 0: tools are run until there is an answer", (way) => runTools(way, Before), () => {});

for (const way of through)
  story(`a conversation that would stay with the provider is sent whole, ${way.name}`, () => runTools(way, Now));

each("pictures, by value and by link, and a document", async (way) => {
  const words = provider.says("tokens=1");
  const content = [
    { type: "image", source: { type: "base64", media_type: "image/png", data: RED } },
    { type: "image", source: { type: "url", url: LINK } },
    { type: "document", title: "page.pdf", source: { type: "base64", media_type: "application/pdf", data: PAGE } },
    { type: "text", text: words.text }];
  const got = await sdk(way).messages.create(body(words, { messages: [{ role: "user", content }] }));
  return { got, body: JSON.stringify(await sent(words)) };
}, ({ got, body: last }) => {
  assert.equal(textOf(got), "t0 ");
  for (const part of [RED, LINK, PAGE]) assert.ok(last.includes(part));
});

each("a picture as a tool's result", async (way) => {
  const words = provider.says("tokens=1");
  const got = await sdk(way).messages.create(body(words, { tools: [WEATHER], messages: [
    { role: "user", content: words.text },
    { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "get_weather", input: PARIS }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: [
      { type: "image", source: { type: "base64", media_type: "image/png", data: RED } }] }] }] }));
  return { got, body: await provider.lastBody() };
}, ({ got, body: last }) => {
  assert.equal(textOf(got), "t0 ");
  assert.ok(last.includes(RED));
});

each("an answer of a form", async (way) => {
  await way.queue("messages", answer(way.spoken("messages"), [{ text: JSON.stringify(PARIS) }], { stream: false }));
  const got = await sdk(way).messages.parse(body(provider.says(), { output_config: { format: zodOutputFormat(Weather) } }));
  return { got, body: await provider.lastBody() };
}, ({ got, body: last }) => {
  assert.deepEqual(got.parsed_output, PARIS);
  assert.match(last, /"temp_c"/);
});

each("instructions, cache marks and a cap", async (way) => {
  const words = provider.says("tokens=1 prompt=100 cached=60 cache_write=20");
  const system = [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }];
  const got = await sdk(way).messages.create(body(words, { max_tokens: 321, system, stop_sequences: ["END"] }));
  return { got, body: JSON.stringify(await sent(words)) };
}, ({ got, body: last }, straight, way) => {
  assert.match(last, /Be brief\./);
  assert.match(last, /"(max_tokens|max_completion_tokens|max_output_tokens)":321/);
  assert.equal(got.usage.cache_read_input_tokens, 60);
  if (way.dialect !== "chat") assert.deepEqual([got.usage.input_tokens, got.usage.cache_creation_input_tokens], [20, 20]);
});

each("the beta's messages", (way) => sdk(way, Before).beta.messages.create(body(provider.says("tokens=2"), {
  betas: ["context-management-2025-06-27"], context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] } })),
(got) => assert.equal(textOf(got), "t0 t1 "));

each("tokens are counted", async (way) => {
  const words = provider.says("prompt=1234");
  const { data, response } = await sdk(way).messages
    .countTokens({ model: MODEL, messages: [{ role: "user", content: `${words.text} ${"word ".repeat(400)}` }] }).withResponse();
  const calls = await provider.calls(words);
  const row = way.straight ? null : (await way.node.explain(response.headers.get("request-id"))).request;
  return { tokens: data.input_tokens, estimate: response.headers.get("x-router-estimate"), calls, row };
}, ({ tokens, estimate, calls, row }, straight, way) => {
  const native = way.spoken("messages") === "messages";
  assert.equal(estimate, native ? null : "true");
  assert.equal(calls.length, native ? 1 : 0);
  if (row) assert.deepEqual([row.state, row.status, row.cost_microusd], ["settled", 200, 0], "it is free");
  if (native) assert.equal(tokens, 1234);
  else assert.ok(tokens > 300 && tokens < 800, `${tokens}`);
});

each("a stream that fails midway is an error, after what came", async (way) => {
  const stream = sdk(way).messages.stream(body(provider.says("tokens=2 error_in_stream=1 body=overloaded")));
  const texts = [];
  stream.on("text", (piece) => texts.push(piece));
  const error = await stream.finalMessage().then(() => null, (e) => e);
  return { text: texts.join(""), error };
}, ({ text, error }, straight, way) => {
  assert.equal(text, "t0 t1 ");
  assert.ok(error instanceof Now.APIError, "it ended as if all was well");
  if (way.spoken("messages") === "messages") assert.equal(error.type, straight.error.type);
});

each("a stream that is cut is an error", async (way) => {
  const stream = sdk(way).messages.stream(body(provider.says("tokens=3 cut_after=2")));
  return stream.finalMessage().then(() => null, (error) => error);
}, (error) => assert.ok(error, "it ended as if all was well"));

const REFUSALS = [
  ["a key that nobody knows", { token: "gsr_nobody" }, "", 401, "authentication_error"],
  ["a model that nobody knows", { model: "claude-unknown" }, "", 404, "not_found_error"],
  ["a bad request", {}, "body=invalid", 400, "invalid_request_error"],
  ["a prompt that is too long", {}, "body=context", 400, "invalid_request_error"],
  ["a rate", {}, "body=rate retry_after=7", 429, "rate_limit_error"],
  ["a spent quota", {}, "body=billing", 402, "billing_error"],
  ["overload", {}, "body=overloaded", 529, "overloaded_error"],
  ["a fault", {}, "body=server", 500, "api_error"],
];

for (const way of all)
  for (const [what, wrong, script, status, type] of REFUSALS) {
    // A provider of its own knows no tokens and has every model.
    if (way.straight && !script) continue;
    story(`${what} is told as what it is, ${way.name}`, async () => {
      for (const [version, Sdk] of VERSIONS)
        for (const stream of [false, true]) {
          const { token, model } = { ...(await way.fresh(MODEL)), ...wrong };
          const error = await sdk({ url: way.url, token }, Sdk).messages
            .create(body(provider.says(script), { model, stream })).catch((e) => e);
          assert.ok(error instanceof Sdk.APIError, `${version}: not refused: ${JSON.stringify(error)}`);
          assert.deepEqual([error.status, error.error.type, error.error.error.type], [status, "error", type]);
          if (script === "body=context") assert.match(error.message, /prompt is too long/);
          if (script === "body=context" && way.spoken("messages") === "messages")
            assert.match(error.message, /prompt is too long: \d+ tokens > \d+ maximum/);
          if (script.includes("retry_after")) assert.equal(error.headers.get("retry-after"), "7");
          if (!way.straight) assert.match(error.requestID, /^req_/);
        }
    });
  }

each("after overload it tries again", async (way) => {
  await way.next(MODEL, "body=overloaded retry_after=0");
  const words = provider.says("tokens=1");
  const got = await sdk(way, Now, { maxRetries: 2 }).messages.create(body(words));
  return { got, calls: await provider.calls(words) };
}, ({ got, calls }) => {
  assert.equal(textOf(got), "t0 ");
  assert.equal(calls.length, 2);
});

for (const way of through) {
  story(`models have the node's names, ${way.name}`, async () => {
    for (const [, Sdk] of VERSIONS) {
      const models = await gather(sdk(way, Sdk).models.list());
      const opus = models.find((model) => model.id === MODEL);
      assert.deepEqual([opus?.type, opus?.display_name], ["model", `Coder on ${way.dialect}`]);
      assert.equal((await sdk(way, Sdk).models.retrieve(MODEL)).id, MODEL);
      assert.equal((await sdk(way, Sdk).models.retrieve("claude-unknown").catch((error) => error)).status, 404);
    }
  });

  story(`the longer path does as well, ${way.name}`, async () => {
    const client = sdk({ url: `${way.url}/anthropic`, token: way.token });
    assert.equal(textOf(await client.messages.create(body(provider.says("tokens=1")))), "t0 ");
  });

  story(`what a target cannot take is dropped by leave of the group, and named, ${way.name}`, async () => {
    const native = way.dialect === "messages";
    const more = { top_k: 7, temperature: 0.5 };
    const { data, response } = await sdk(way, Before).messages.create(body(provider.says("tokens=1"), more)).withResponse();
    assert.equal(textOf(data), "t0 ");
    assert.equal(/top_k/.test(response.headers.get("x-router-dropped") ?? ""), !native);
    const strict = await sdk(way, Before).messages.create(body(provider.says("tokens=1"), { ...more, model: "careful" }))
      .catch((error) => error);
    if (native) assert.equal(textOf(strict), "t0 ");
    else assert.match(`${strict.status} ${strict.message}`, /^(400|500|502).*top_k/);
  });
}
