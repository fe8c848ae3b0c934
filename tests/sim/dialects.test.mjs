// The same words in each dialect, read by hand and by the vendors' own clients.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { post, url } from "./program.mjs";

const require = createRequire(new URL("../e2e/package.json", import.meta.url));
const { OpenAI } = require("openai");
const { Anthropic } = require("@anthropic-ai/sdk");

const user = (words) => [{ role: "user", content: `hi [[sim ${words}]]` }];
const call = (name, args) => `call=${name}:${Buffer.from(args).toString("base64url")}`;
const CITY = JSON.stringify({ city: `Zürich, "old" town` });
const TOOLS = `${call("get_weather", CITY)} ${call("get_time", '{"zone":"Europe/Zurich"}')}`;
const kinds = (events) => events.map((e) => e.type ?? e.object ?? e);

// What a dialect's tests need to know of it; whole: of an answer's body, parts: of a stream's events.
const dialects = {
  chat: {
    path: "/v1/chat/completions",
    body: (words, more) => ({ model: "m", messages: user(words), ...more }),
    text: (a) => a.choices[0].message.content,
    streamed: (es) => es.map((e) => e.choices?.[0]?.delta.content ?? "").join(""),
    finish: (a) => a.choices[0].finish_reason,
    streamedFinish: (es) => es.findLast((e) => e.choices?.[0])?.choices[0].finish_reason,
    usage: ({ usage }) => [usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens],
    written: ({ usage }) => usage.prompt_tokens_details.cache_write_tokens,
    reasoned: ({ usage }) => usage.completion_tokens_details.reasoning_tokens,
    thought: (a) => a.choices[0].message.reasoning_content,
    refusal: (a) => a.choices[0].message.refusal,
    calls: (a) => a.choices[0].message.tool_calls?.map((c) => [c.id, c.function.name, c.function.arguments]),
    results: (a) => [a.choices[0].message, { role: "tool", tool_call_id: "call_sim1_0", content: "sunny" }],
    last: "[DONE]",
    requestId: "x-request-id",
  },
  responses: {
    path: "/v1/responses",
    body: (words, more) => ({ model: "m", input: user(words), ...more }),
    text: (a) => a.output.flatMap((i) => i.content ?? []).map((p) => p.text).join(""),
    streamed: (es) => es.map((e) => (e.type === "response.output_text.delta" ? e.delta : "")).join(""),
    finish: (a) => a.incomplete_details?.reason ?? a.status,
    streamedFinish: (es) => es.at(-1).response?.incomplete_details?.reason ?? es.at(-1).response?.status,
    usage: ({ usage }) => [usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens],
    written: ({ usage }) => usage.input_tokens_details.cache_write_tokens,
    reasoned: ({ usage }) => usage.output_tokens_details.reasoning_tokens,
    thought: (a) => a.output.find((i) => i.type === "reasoning")?.summary[0].text,
    refusal: (a) => a.output.at(-1).content[0].refusal,
    calls: (a) => a.output.filter((i) => i.type === "function_call").map((c) => [c.call_id, c.name, c.arguments]),
    results: (a) => [...a.output, { type: "function_call_output", call_id: "call_sim1_0", output: "sunny" }],
    last: "response.completed",
    requestId: "x-request-id",
  },
  messages: {
    path: "/sse/v1/messages?beta=true",
    body: (words, more) => ({ model: "m", max_tokens: 99, messages: user(words), ...more }),
    text: (a) => a.content.map((b) => b.text ?? "").join(""),
    streamed: (es) => es.map((e) => e.delta?.text ?? "").join(""),
    finish: (a) => a.stop_reason,
    streamedFinish: (es) => es.find((e) => e.type === "message_delta")?.delta.stop_reason,
    usage: ({ usage }) => [usage.input_tokens + usage.cache_read_input_tokens, usage.output_tokens, usage.cache_read_input_tokens],
    written: ({ usage }) => usage.cache_creation_input_tokens,
    reasoned: () => 3,
    thought: (a) => a.content.find((b) => b.type === "thinking")?.thinking,
    refusal: (a) => (a.stop_reason === "refusal" ? a.content[0].text : null),
    calls: (a) => a.content.filter((b) => b.type === "tool_use").map((c) => [c.id.replace("toolu", "call"), c.name, JSON.stringify(c.input)]),
    results: (a) => [
      { role: "assistant", content: a.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_sim1_0", content: "sunny" }] },
    ],
    last: "message_stop",
    requestId: "request-id",
  },
};

const each = (name, run) => {
  for (const [id, d] of Object.entries(dialects)) test(`${id}: ${name}`, () => run(d, id));
};

const ask = (d, words, more) => post(d.path, d.body(words, more));
const whole = async (d, words, more) => (await ask(d, words, more)).json();

// Checks that each event's name is its type, and the numbers of Responses.
async function stream(d, words, more) {
  const answer = await ask(d, words, { stream: true, ...more });
  assert.match(answer.headers.get("content-type"), /^text\/event-stream/);
  const events = [];
  for (const block of (await answer.text()).split("\n\n").filter(Boolean)) {
    const name = block.match(/^event: (.*)$/m)?.[1];
    const data = block.match(/^data: (.*)$/m)?.[1];
    const event = data === undefined || data === "[DONE]" ? data ?? block : JSON.parse(data);
    assert.equal(name, d === dialects.chat ? undefined : event.type);
    if (d === dialects.responses) assert.equal(event.sequence_number, events.length);
    events.push(event);
  }
  return events;
}

each("answers", async (d) => {
  const answer = await whole(d, "tokens=3 prompt=40 completion=9 cached=8");
  assert.equal(d.text(answer), "t0 t1 t2 ");
  assert.equal(answer.model, "m");
  assert.deepEqual(d.usage(answer), [40, 9, 8]);
  assert.equal((await whole(d, "usage=none")).usage ?? null, null);
  assert.match(d.text(await whole(d, "echo=1")), /echo=1/);
  assert.equal(d.text(await whole(d, "huge=300000 tokens=2")).length, 300000);
});

each("streams", async (d) => {
  const events = await stream(d, "tokens=3");
  assert.equal(d.streamed(events), "t0 t1 t2 ");
  assert.equal(kinds(events).at(-1), d.last);
  const endless = await ask(d, "endless=1 cut_after=4", { stream: true });
  await assert.rejects(endless.text());
});

each("says why it ended", async (d, id) => {
  const said = {
    chat: ["stop", "length", "content_filter", "tool_calls"],
    responses: ["completed", "max_output_tokens", "content_filter", "completed"],
    messages: ["end_turn", "max_tokens", "refusal", "tool_use"],
  }[id];
  for (const [i, word] of ["stop", "length", "content_filter", "tool_calls"].entries()) {
    assert.equal(d.finish(await whole(d, `finish=${word}`)), said[i]);
    assert.equal(d.streamedFinish(await stream(d, `finish=${word}`)), said[i]);
  }
});

each("refuses in its own words", async (d, id) => {
  const own = id === "messages";
  const overloaded = await ask(d, "body=overloaded retry_after=3");
  assert.equal(overloaded.status, own ? 529 : 503);
  assert.equal(overloaded.headers.get("retry-after"), "3");
  const body = await overloaded.json();
  assert.equal(body.error.code ?? body.error.type, own ? "overloaded_error" : "server_is_overloaded");
  if (own) assert.equal(body.request_id, overloaded.headers.get(d.requestId));
  assert.equal(body.type, own ? "error" : undefined);
  const limited = (await whole(d, "status=429")).error;
  assert.equal(own ? limited.type : limited.code, own ? "rate_limit_error" : "rate_limit_exceeded");
  assert.match((await whole(d, "statsu=429")).error[own ? "message" : "code"], /bad_words/);
  assert.equal((await ask(d, "body=html status=502")).headers.get("content-type"), "text/html");
});

each("ends a stream badly", async (d) => {
  const open = await stream(d, "tokens=1 no_done=1");
  assert.notEqual(kinds(open).at(-1), d.last);
  const failed = (await stream(d, "tokens=2 error_in_stream=1 body=overloaded")).at(-1);
  const error = failed.error ?? failed.response.error;
  assert.match(error.code ?? error.type, /overloaded/);
});

test("messages: counts, and may leave out both of its last events", async () => {
  assert.deepEqual(await (await post("/v1/messages/count_tokens", dialects.messages.body("prompt=77", { stream: true }))).json(),
    { input_tokens: 77 });
  assert.equal((await post("/v1/messages/count_tokens", dialects.messages.body("body=rate"))).status, 429);
  assert.equal(kinds(await stream(dialects.messages, "no_done=1")).at(-1), "message_delta");
  assert.equal(kinds(await stream(dialects.messages, "no_done=2")).at(-1), "content_block_stop");
});

test("responses: the whole ladder", async () => {
  const events = await stream(dialects.responses, "tokens=1");
  assert.deepEqual(kinds(events).map((k) => k.slice("response.".length)), [
    "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
    "output_text.done", "content_part.done", "output_item.done", "completed",
  ]);
  assert.deepEqual(events.at(-1).response.output[0], events.at(-2).item);
});

each("thinks first", async (d) => {
  const answer = await whole(d, "thinking=3 tokens=2");
  assert.equal(d.thought(answer), "h0 h1 h2 ");
  assert.equal(d.text(answer), "t0 t1 ");
  assert.equal(d.reasoned(answer), 3);
  assert.equal(d.usage(answer)[1], 5);
});

each("refuses politely", async (d) => {
  assert.equal(d.refusal(await whole(d, "refusal=2")), "r0 r1 ");
});

each("tells what it wrote to caches", async (d, id) => {
  const answer = await whole(d, "prompt=100 cached=10 cache_write=20 cache_write_1h=30");
  assert.equal(d.written(answer), 50);
  if (id !== "messages") return assert.equal(d.usage(answer)[0], 100);
  assert.equal(answer.usage.input_tokens, 40);
  assert.deepEqual(answer.usage.cache_creation, { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 30 });
});

each("calls tools once, then answers", async (d) => {
  const first = await whole(d, `tokens=1 ${TOOLS}`);
  const id = d.calls(first)[0][0];
  assert.match(id, /^call_sim\d+_0$/);
  assert.deepEqual(d.calls(first), [
    [id, "get_weather", CITY], [id.replace(/0$/, "1"), "get_time", '{"zone":"Europe/Zurich"}'],
  ]);
  assert.equal(d.text(first), "t0 ");
  const key = d === dialects.responses ? "input" : "messages";
  const asked = user(TOOLS);
  const more = (...items) => whole(d, "", { [key]: [...asked, ...d.results(first), ...items] });
  assert.ok(!d.calls(await more())?.length);
  assert.ok(!d.calls(await more({ role: "system", content: "be brief" }))?.length);
  assert.equal(d.calls(await more({ role: "user", content: 'again, "type":"tool_result"' })).length, 2);
  assert.equal(d.calls(await whole(d, "", { [key]: [...asked, ...asked] })).length, 2);
});

each("keeps a stream alive", async (d, id) => {
  const said = { chat: ": ping", responses: "response.in_progress", messages: "ping" }[id];
  const events = kinds(await stream(d, "tokens=3 ping=2"));
  assert.equal(events.filter((k) => k === said).length, 4 + { chat: 0, responses: 1, messages: 1 }[id]);
});

test("chat: streams of thoughts, refusals and calls", async () => {
  const d = dialects.chat;
  const deltas = async (words) => (await stream(d, words)).filter((e) => e.choices).map((e) => e.choices[0].delta);
  assert.deepEqual((await deltas("thinking=2 tokens=1")).slice(0, 4), [
    { role: "assistant", content: "", refusal: null }, { reasoning_content: "h0 " }, { reasoning_content: "h1 " }, { content: "t0 " },
  ]);
  assert.deepEqual((await deltas("refusal=1")).slice(0, 2), [{ role: "assistant", content: null, refusal: null }, { refusal: "r0 " }]);
  const order = (ds) => ds.flatMap((x) => x.tool_calls ?? []).map((c) => `${c.index}${c.id ? "+" : ""}`).join(" ");
  assert.equal(order(await deltas(`tokens=0 ${TOOLS}`)), "0+ 0 0 0 0 1+ 1 1 1");
  assert.equal(order(await deltas(`tokens=0 interleave=1 ${TOOLS}`)), "0+ 0 1+ 1 0 1 0 1 0");
  assert.equal(d.streamedFinish(await stream(d, TOOLS)), "tool_calls");
  const custom = (await whole(d, `custom=1 ${call("patch", "*** Begin\n")}`)).choices[0].message.tool_calls[0];
  assert.deepEqual([custom.type, custom.custom], ["custom", { name: "patch", input: "*** Begin\n" }]);
  const pieces = (await deltas(`tokens=0 custom=1 ${call("patch", "*** Begin\n")}`)).flatMap((x) => x.tool_calls ?? []);
  assert.deepEqual(pieces.map((p) => p.custom.input), ["", "*** Begin\n"]);
});

test("responses: streams of thoughts, refusals and calls", async () => {
  const d = dialects.responses;
  const ladder = async (words) => kinds(await stream(d, words)).slice(2, -1).map((k) => k.slice("response.".length));
  const thought = await stream(d, "thinking=1 tokens=0 blob=secret");
  assert.deepEqual(kinds(thought).slice(2, 8).map((k) => k.slice("response.".length)), [
    "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
    "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
  ]);
  assert.equal(thought[7].item.encrypted_content, "secret");
  assert.match((await whole(d, "thinking=1")).output[0].encrypted_content, /^blob-\d+-m$/);
  assert.deepEqual(await ladder("refusal=1"), [
    "output_item.added", "content_part.added", "refusal.delta", "refusal.done", "content_part.done", "output_item.done",
  ]);
  assert.deepEqual(await ladder(`tokens=0 ${call("f", "{}")}`), [
    "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
  ]);
  const custom = await stream(d, `tokens=0 custom=1 ${call("patch", "*** Begin\n")}`);
  assert.match(kinds(custom).join(), /custom_tool_call_input.delta,response.custom_tool_call_input.done/);
  const { id, call_id, ...item } = custom.at(-1).response.output[0];
  assert.match(`${id} ${call_id}`, /^ctc_sim\d+_0 call_sim\d+_0$/);
  assert.deepEqual(item, { type: "custom_tool_call", status: "completed", name: "patch", input: "*** Begin\n" });
  assert.equal(kinds(await stream(d, "thinking=2 error_in_stream=1")).at(-1), "response.failed");
});

test("messages: streams of thoughts, refusals and calls", async () => {
  const d = dialects.messages;
  const deltas = (es) => es.filter((e) => e.type === "content_block_delta").map((e) => Object.values(e.delta).join(" "));
  assert.deepEqual(deltas(await stream(d, "thinking=1 tokens=1 blob=sig")),
    ["thinking_delta h0 ", "signature_delta sig", "text_delta t0 "]);
  const refused = await stream(d, "refusal=1");
  assert.deepEqual(deltas(refused), ["text_delta r0 "]);
  assert.equal(refused.at(-2).delta.stop_details.type, "refusal");
  const called = await stream(d, `tokens=0 ${call("f", '{"a":"0123456789"}')}`);
  assert.deepEqual(deltas(called), ["input_json_delta ", 'input_json_delta {"a":"0123', 'input_json_delta 456789"}']);
  assert.equal(d.streamedFinish(called), "tool_use");
});

test("a place in an answer counts the chunks of all parts", async () => {
  const cut = await ask(dialects.chat, `thinking=2 tokens=2 ${call("f", "{}")} stall_after=3`, { stream: true });
  const reader = cut.body.getReader();
  let text = "";
  while (!text.includes("t0 ")) text += Buffer.from((await reader.read()).value).toString();
  await reader.cancel();
  assert.ok(!text.includes("t1 "));
  assert.equal((await whole(dialects.chat, `${call("a", "{}")} `.repeat(5))).error.code, "bad_words");
});

// How each dialect asks for what a capable model can do.
const SCHEMA = { type: "object", properties: { colour: { type: "string" }, side: { type: "integer" } } };
const CITY_SCHEMA = { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } };
const obliging = {
  chat: {
    tool: (name) => ({ type: "function", function: { name, parameters: CITY_SCHEMA } }),
    forced: (name) => ({ type: "function", function: { name } }),
    schema: { response_format: { type: "json_schema", json_schema: { name: "s", schema: SCHEMA } } },
    reasoning: { reasoning_effort: "medium" },
    cap: (max_completion_tokens) => ({ max_completion_tokens }),
    capped: "length",
  },
  responses: {
    tool: (name) => ({ type: "function", name, parameters: CITY_SCHEMA }),
    forced: (name) => ({ type: "function", name }),
    schema: { text: { format: { type: "json_schema", name: "s", schema: SCHEMA } } },
    reasoning: { reasoning: { effort: "medium" } },
    cap: (max_output_tokens) => ({ max_output_tokens }),
    capped: "max_output_tokens",
  },
  messages: {
    tool: (name) => ({ name, input_schema: CITY_SCHEMA }),
    forced: (name) => ({ type: "tool", name }),
    schema: { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
    reasoning: { thinking: { type: "enabled", budget_tokens: 1024 } },
    cap: (max_tokens) => ({ max_tokens }),
    capped: "max_tokens",
  },
};

each("obliges: tools, the forced one, a schema, thinking, a cap", async (d, id) => {
  const o = obliging[id];
  const tools = [o.tool("get_weather"), o.tool("get_time")];
  const EXAMPLE = JSON.stringify({ city: "word", days: 3 });
  const called = (a) => d.calls(a).map((c) => c.slice(1));
  const both = await whole(d, "obliging=1", { tools });
  assert.deepEqual(called(both), [["get_weather", EXAMPLE], ["get_time", EXAMPLE]]);
  const forced = await whole(d, "obliging=1", { tools, tool_choice: o.forced("get_time") });
  assert.deepEqual(called(forced), [["get_time", EXAMPLE]]);
  assert.deepEqual(JSON.parse(d.text(await whole(d, "obliging=1", o.schema))), { colour: "word", side: 3 });
  assert.equal(d.thought(await whole(d, "obliging=1", o.reasoning)), "h0 h1 h2 ");
  assert.equal(d.thought(await whole(d, "obliging=1")) ?? null, null);
  const capped = await whole(d, "obliging=1 tokens=40", o.cap(16));
  assert.equal(d.usage(capped)[1], 16);
  assert.equal(d.finish(capped), o.capped);
  const free = await whole(d, "tokens=40", { ...o.cap(16), tools });
  assert.equal(d.usage(free)[1], 40);
  assert.deepEqual(d.calls(free) ?? [], []);
});

each("says what it is told to say", async (d) => {
  const text = 'a "red" heron';
  const said = await whole(d, `say=${Buffer.from(text).toString("base64url")}`);
  assert.equal(d.text(said), text);
});

const openai = () => new OpenAI({ apiKey: "k", baseURL: url("/v1"), maxRetries: 0 });
const anthropic = () => new Anthropic({ apiKey: "k", baseURL: url(""), maxRetries: 0 });

test("the vendors' clients call tools", async () => {
  const words = `thinking=2 tokens=2 ${TOOLS}`;
  const parameters = { type: "object", properties: {} };
  const names = ["get_weather", "get_time"];
  const chat = await openai().chat.completions.stream(dialects.chat.body(`${words} interleave=1`, {
    tools: names.map((name) => ({ type: "function", function: { name, parameters } })), stream_options: { include_usage: true },
  })).finalChatCompletion();
  assert.deepEqual(dialects.chat.calls(chat).map((c) => c[2])[0], CITY);
  assert.equal(chat.choices[0].finish_reason, "tool_calls");
  assert.ok(chat.usage.completion_tokens);
  const response = await openai().responses.stream(dialects.responses.body(words, {
    tools: names.map((name) => ({ type: "function", name, parameters, strict: false })),
  })).finalResponse();
  assert.deepEqual(dialects.responses.calls(response).map((c) => c[2])[0], CITY);
  assert.equal(response.output_text, "t0 t1 ");
  const message = await anthropic().messages.stream(dialects.messages.body(words, {
    tools: names.map((name) => ({ name, input_schema: parameters })),
  })).finalMessage();
  assert.deepEqual(dialects.messages.calls(message).map((c) => c[2])[0], CITY);
  assert.deepEqual(kinds(message.content), ["thinking", "text", "tool_use", "tool_use"]);
  assert.match(message.content[0].signature, /^blob-\d+-m$/);
});

test("the vendors' clients read it", async () => {
  const chat = openai().chat.completions.stream(dialects.chat.body("tokens=3"));
  assert.equal(await chat.finalContent(), "t0 t1 t2 ");
  const responses = openai().responses.stream(dialects.responses.body("tokens=3"));
  assert.equal((await responses.finalResponse()).output_text, "t0 t1 t2 ");
  const messages = anthropic().messages.stream(dialects.messages.body("tokens=3"));
  assert.equal(await messages.finalText(), "t0 t1 t2 ");
  assert.equal((await anthropic().messages.countTokens({ model: "m", messages: user("prompt=5") })).input_tokens, 5);
  const late = anthropic().messages.stream(dialects.messages.body("error_in_stream=1 body=overloaded"));
  await assert.rejects(late.finalText(), { type: "overloaded_error" });
  await assert.rejects(anthropic().messages.create(dialects.messages.body("body=rate")), Anthropic.RateLimitError);
});
