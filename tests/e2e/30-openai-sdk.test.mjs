// OpenAI's SDK, unmodified, on both of its APIs: whatever dialect serves it,
// it sees what a provider of its own would have shown it.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { answer, RED, story, ways } from "./lab.mjs";

const { each, lab, all, through } = await ways({ fresh: 60 });
const { provider } = lab;

const MODEL = "gpt-5";
const Weather = z.object({ city: z.string(), temp_c: z.number() });
const PARIS = { city: "Paris", temp_c: 21 };
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const WEATHER = { name: "get_weather", description: "The weather in a city", parameters: SCHEMA };
const LINK = "https://pictures.invalid/red.png";
const USAGE = "prompt=40 cached=8 completion=9 reasoning=5";

const sdk = (way, more = {}) =>
  new OpenAI({ apiKey: way.token, baseURL: `${way.url}/v1`, maxRetries: 0, timeout: 60_000, ...more });

const chat = (words, more = {}) => ({ model: MODEL, messages: [{ role: "user", content: words.text }], ...more });
const ask = (words, more = {}) => ({ model: MODEL, input: words.text, store: false, ...more });

const sent = async (words) => {
  await provider.callOf(words);
  return JSON.parse(await provider.lastBody());
};

async function gather(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

const heard = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join("");

// What of an answer may not depend on who gave it.
const chatSeen = ({ choices, usage }) => ({
  usage, choices: choices.map(({ message, finish_reason }) => ({
    finish_reason, content: message.content, refusal: message.refusal ?? null,
    calls: message.tool_calls?.map((call) => call.function ?? call.custom),
  })),
});

const responseSeen = ({ status, output, usage, output_text, incomplete_details }) => ({
  status, usage, output_text, incomplete_details,
  output: output.map(({ type, name, input, arguments: args, summary, content }) => ({
    type, name, input, args, summary, content: content?.map((part) => [part.type, part.text ?? part.refusal]),
  })),
});

// --- Chat Completions

each("chat: an answer", (way) => sdk(way).chat.completions.create(chat(provider.says(`tokens=3 ${USAGE}`))), (got, straight) => {
  assert.equal(got.choices[0].message.content, "t0 t1 t2 ");
  assert.equal(got.object, "chat.completion");
  assert.equal(got.usage.total_tokens, 49);
  const [mine, theirs] = [chatSeen(got), chatSeen(straight)];
  for (const seen of [mine, theirs])
    seen.usage = [seen.usage.prompt_tokens, seen.usage.completion_tokens, seen.usage.prompt_tokens_details.cached_tokens];
  assert.deepEqual(mine, theirs);
});

for (const finish of ["length", "content_filter"])
  each(`chat: an answer that ends by ${finish}`, (way) =>
    sdk(way).chat.completions.create(chat(provider.says(`tokens=2 finish=${finish}`))),
  (got) => assert.equal(got.choices[0].finish_reason, finish));

each("chat: a refusal", (way) => sdk(way).chat.completions.create(chat(provider.says("refusal=2"))), (got, straight, way) => {
  const { message, finish_reason } = got.choices[0];
  assert.match(`${message.content ?? ""}${message.refusal ?? ""}`, /r0 r1 /);
  if (way.dialect !== "messages") assert.equal(message.refusal, "r0 r1 ");
  else assert.equal(finish_reason, "content_filter");
});

each("chat: a stream, without usage that nobody asked for", async (way) =>
  gather(await sdk(way).chat.completions.create(chat(provider.says("tokens=4"), { stream: true }))),
(chunks) => {
  assert.equal(heard(chunks), "t0 t1 t2 t3 ");
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
});

each("chat: a stream with its usage at the end", async (way) => gather(await sdk(way).chat.completions.create(
  chat(provider.says(`tokens=2 ${USAGE}`), { stream: true, stream_options: { include_usage: true } }))),
(chunks) => {
  const last = chunks.at(-1);
  assert.deepEqual(last.choices, []);
  assert.deepEqual([last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.prompt_tokens_details.cached_tokens],
    [40, 9, 8]);
  assert.ok(chunks.slice(0, -1).every((chunk) => !chunk.usage));
});

each("chat: the stream helper", async (way) => {
  const stream = sdk(way).chat.completions.stream(chat(provider.says(`tokens=3 ${way.call("get_weather", PARIS)}`), {
    tools: [{ type: "function", function: WEATHER }], stream_options: { include_usage: true } }));
  const events = [];
  for (const name of ["connect", "content", "tool_calls.function.arguments.done", "end", "error"])
    stream.on(name, () => events.push(name));
  return { completion: await stream.finalChatCompletion(), usage: await stream.totalUsage(), events };
}, (got, straight) => {
  assert.deepEqual(new Set(got.events), new Set(straight.events));
  assert.deepEqual(chatSeen(got.completion).choices, chatSeen(straight.completion).choices);
  assert.deepEqual(got.completion.choices[0].message.tool_calls.map((call) => JSON.parse(call.function.arguments)), [PARIS]);
  assert.equal(got.usage.prompt_tokens, straight.usage.prompt_tokens);
});

for (const stream of [false, true])
  each(`chat: tools are run until there is an answer, stream ${stream}`, async (way) => {
    const words = provider.says(`tokens=1 ${way.call("get_weather", { city: "Paris \"é\"" })}`);
    const asked = [];
    const tool = { ...WEATHER, parse: JSON.parse, function: (args) => asked.push(args) && "21 degrees" };
    const runner = sdk(way).chat.completions.runTools(chat(words, { stream, tools: [{ type: "function", function: tool }] }));
    const text = await runner.finalContent();
    return { words, asked, text, calls: await provider.calls(words) };
  }, async (got) => {
    assert.deepEqual(got.asked, [{ city: "Paris \"é\"" }]);
    assert.equal(got.text, "t0 ");
    assert.equal(got.calls.length, 2);
    assert.match(await provider.lastBody(), /21 degrees/);
  });

each("chat: tools called at once, and results in any order", async (way) => {
  const words = provider.says(`tokens=0 ${way.call("get_weather", PARIS)} ${way.call("get_time", {})}`);
  const tools = ["get_weather", "get_time"].map((name) => ({ type: "function", function: { ...WEATHER, name } }));
  const body = chat(words, { tools, tool_choice: "required" });
  const first = (await sdk(way).chat.completions.create(body)).choices[0];
  const results = first.message.tool_calls.toReversed().map((call) =>
    ({ role: "tool", tool_call_id: call.id, content: `${call.function.name} says so` }));
  const second = await sdk(way).chat.completions.create({ ...body, messages: [...body.messages, first.message, ...results] });
  return { first, second, body: await provider.lastBody() };
}, ({ first, second, body }) => {
  assert.equal(first.finish_reason, "tool_calls");
  assert.deepEqual(first.message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
    [["get_weather", PARIS], ["get_time", {}]]);
  assert.equal(new Set(first.message.tool_calls.map((call) => call.id)).size, 2);
  assert.equal(second.choices[0].finish_reason, "stop");
  assert.match(body, /get_weather says so/);
  assert.match(body, /get_time says so/);
});

each("chat: a freeform tool", (way) => sdk(way).chat.completions.create(chat(
  provider.says(`tokens=0 ${way.custom("chat", "run", "print \"hi\"\n")}`),
  { tools: [{ type: "custom", custom: { name: "run", description: "Runs a program" } }] })),
(got) => {
  const [call] = got.choices[0].message.tool_calls;
  assert.deepEqual([call.type, call.custom], ["custom", { name: "run", input: "print \"hi\"\n" }]);
});

each("chat: an answer of a form", async (way) => {
  await way.queue("chat", answer(way.spoken("chat"), [{ text: JSON.stringify(PARIS) }], { stream: false }));
  const words = provider.says();
  const got = await sdk(way).chat.completions.parse(chat(words, { response_format: zodResponseFormat(Weather, "weather") }));
  return { got, body: await provider.lastBody() };
}, ({ got, body }) => {
  assert.deepEqual(got.choices[0].message.parsed, PARIS);
  assert.match(body, /"temp_c"/);
});

each("chat: pictures, by value and by link", async (way) => {
  const words = provider.says("tokens=1");
  const url = (at) => ({ type: "image_url", image_url: { url: at } });
  const content = [{ type: "text", text: words.text }, url(`data:image/png;base64,${RED}`), url(LINK)];
  const got = await sdk(way).chat.completions.create(chat(words, { messages: [{ role: "user", content }] }));
  return { got, body: JSON.stringify(await sent(words)) };
}, ({ got, body }) => {
  assert.equal(got.choices[0].message.content, "t0 ");
  assert.ok(body.includes(RED) && body.includes(LINK));
});

each("chat: instructions, effort and a cap", async (way) => {
  const words = provider.says("tokens=1");
  await sdk(way).chat.completions.create(chat(words, {
    reasoning_effort: "low", max_completion_tokens: 321,
    messages: [{ role: "system", content: "Be brief." }, { role: "user", content: words.text }] }));
  return JSON.stringify(await sent(words));
}, (body) => {
  assert.match(body, /Be brief\./);
  assert.match(body, /"(max_tokens|max_completion_tokens|max_output_tokens)":321/);
  assert.match(body, /"(reasoning_effort|effort)":"low"/);
});

each("chat: a stream that fails midway is an error, after what came", async (way) => {
  const stream = await sdk(way).chat.completions.create(chat(provider.says("tokens=2 error_in_stream=1"), { stream: true }));
  const chunks = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch (error) {
    return { text: heard(chunks), error };
  }
  return { text: heard(chunks) };
}, ({ text, error }) => {
  assert.equal(text, "t0 t1 ");
  assert.ok(error instanceof OpenAI.APIError, "it ended as if all was well");
});

// --- Responses

each("responses: an answer", (way) => sdk(way).responses.create(ask(provider.says(`tokens=3 ${USAGE}`))), (got, straight) => {
  assert.equal(got.output_text, "t0 t1 t2 ");
  assert.equal(got.object, "response");
  assert.deepEqual([got.usage.input_tokens, got.usage.output_tokens, got.usage.total_tokens,
    got.usage.input_tokens_details.cached_tokens], [40, 9, 49, 8]);
  const [mine, theirs] = [responseSeen(got), responseSeen(straight)];
  delete mine.usage;
  delete theirs.usage;
  assert.deepEqual(mine, theirs);
});

each("responses: an answer that is cut at its cap", (way) =>
  sdk(way).responses.create(ask(provider.says("tokens=2 finish=length"), { max_output_tokens: 16 })),
(got) => assert.deepEqual([got.status, got.incomplete_details], ["incomplete", { reason: "max_output_tokens" }]));

// The steps of a stream, those of each item by themselves, and the same ones
// in a row being one: items may be told side by side.
function ladder(events) {
  const ladders = {};
  for (const { output_index = "all", type } of events) {
    const steps = (ladders[output_index] ??= []);
    if (steps.at(-1) !== type) steps.push(type);
  }
  return ladders;
}

for (const [what, script] of [["text", "tokens=3"], ["thinking", "tokens=2 thinking=3"], ["tools", null]])
  each(`responses: a stream of ${what} has all its steps in order`, async (way) => {
    const call = `tokens=1 ${way.call("get_weather", PARIS)} ${way.call("get_time", {})}`;
    const tools = ["get_weather", "get_time"].map((name) => ({ type: "function", strict: false, ...WEATHER, name }));
    return gather(await sdk(way).responses.create(ask(provider.says(script ?? call), {
      stream: true, include: ["reasoning.encrypted_content"], ...(script ? {} : { tools }) })));
  }, (events, straight) => {
    assert.deepEqual(ladder(events), ladder(straight));
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
    const end = events.at(-1).response;
    assert.equal(end.status, "completed");
    assert.deepEqual(responseSeen(end).output, responseSeen(straight.at(-1).response).output);
    const done = events.filter((event) => event.type === "response.output_item.done").map((event) => event.item);
    assert.deepEqual(new Set(done), new Set(end.output));
    assert.equal(new Set(done.map((item) => item.id)).size, done.length);
  });

each("responses: the stream helper", async (way) => {
  const stream = sdk(way).responses.stream(ask(provider.says("tokens=3")));
  const texts = [];
  stream.on("response.output_text.delta", (event) => texts.push(event.snapshot));
  return { final: await stream.finalResponse(), texts };
}, ({ final, texts }) => {
  assert.equal(final.output_text, "t0 t1 t2 ");
  assert.equal(texts.at(-1), "t0 t1 t2 ");
});

each("responses: a tool, its result, and the answer", async (way) => {
  const words = provider.says(`tokens=1 thinking=1 ${way.call("get_weather", PARIS)}`);
  const body = ask(words, { tools: [{ type: "function", strict: false, ...WEATHER }], include: ["reasoning.encrypted_content"] });
  const first = await sdk(way).responses.create(body);
  const call = first.output.find((item) => item.type === "function_call");
  const result = { type: "function_call_output", call_id: call.call_id, output: "21 degrees" };
  const input = [{ role: "user", content: words.text }, ...first.output, result];
  const second = await sdk(way).responses.create({ ...body, input });
  return { call, second, body: await provider.lastBody() };
}, ({ call, second, body }) => {
  assert.deepEqual([call.name, JSON.parse(call.arguments)], ["get_weather", PARIS]);
  assert.equal(second.output_text, "t0 ");
  assert.match(body, /21 degrees/);
});

each("responses: a freeform tool and its result", async (way) => {
  const words = provider.says(`tokens=0 ${way.custom("responses", "run", "print \"hi\"\n")}`);
  const body = ask(words, { tools: [{ type: "custom", name: "run", description: "Runs a program" }] });
  const first = await sdk(way).responses.create(body);
  const [call] = first.output;
  const result = { type: "custom_tool_call_output", call_id: call.call_id, output: "it says hi" };
  const second = await sdk(way).responses.create({ ...body, input: [{ role: "user", content: words.text }, call, result] });
  return { call, second, body: await provider.lastBody() };
}, ({ call, second, body }) => {
  assert.deepEqual([call.type, call.name, call.input], ["custom_tool_call", "run", "print \"hi\"\n"]);
  assert.equal(second.status, "completed");
  assert.match(body, /it says hi/);
});

each("responses: an answer of a form", async (way) => {
  await way.queue("responses", answer(way.spoken("responses"), [{ text: JSON.stringify(PARIS) }], { stream: false }));
  const got = await sdk(way).responses.parse(ask(provider.says(), { text: { format: zodTextFormat(Weather, "weather") } }));
  return { got, body: await provider.lastBody() };
}, ({ got, body }) => {
  assert.deepEqual(got.output_parsed, PARIS);
  assert.match(body, /"temp_c"/);
});

each("responses: pictures, by value and by link", async (way) => {
  const words = provider.says("tokens=1");
  const picture = (image_url) => ({ type: "input_image", image_url, detail: "auto" });
  const content = [{ type: "input_text", text: words.text }, picture(`data:image/png;base64,${RED}`), picture(LINK)];
  const got = await sdk(way).responses.create(ask(words, { input: [{ role: "user", content }] }));
  return { got, body: JSON.stringify(await sent(words)) };
}, ({ got, body }) => {
  assert.equal(got.output_text, "t0 ");
  assert.ok(body.includes(RED) && body.includes(LINK));
});

// Who made the thinking gets it back as it was, in its own words.
each("responses: sealed thinking comes back to who sealed it", async (way) => {
  const words = provider.says("tokens=1 thinking=2 blob=c2VhbGVk");
  const body = ask(words, { include: ["reasoning.encrypted_content"] });
  const first = await sdk(way).responses.create(body);
  await sdk(way).responses.create({ ...body, input: [
    { role: "user", content: words.text }, ...first.output, { role: "user", content: "Go on." }] });
  return { first, body: await provider.lastBody() };
}, ({ first, body }, straight, way) => {
  const thought = first.output.find((item) => item.type === "reasoning");
  assert.deepEqual(thought.summary, [{ type: "summary_text", text: "h0 h1 " }]);
  if (way.dialect === "chat") return;
  assert.ok(thought.encrypted_content, "it is sealed");
  const [key, value] = way.dialect === "messages" ? ["signature", "c2VhbGVk"] : ["encrypted_content", "c2VhbGVk"];
  assert.ok(body.includes(`"${key}":"${value}"`), body);
});

each("responses: a stream that fails midway ends as failed", async (way) =>
  gather(await sdk(way).responses.create(ask(provider.says("tokens=2 error_in_stream=1"), { stream: true }))),
(events) => {
  const end = events.at(-1);
  assert.deepEqual([end.type, end.response.status], ["response.failed", "failed"]);
  assert.ok(end.response.error.code && end.response.error.message);
  assert.equal(events.filter((event) => event.type === "response.output_text.delta").length, 2);
});

// A group that keeps answers goes on from them; another says that it cannot.
for (const way of through) {
  const going = (previous_response_id, words, model) =>
    sdk(way).responses.create(ask(words, { model, store: true, previous_response_id }));

  story(`responses: an earlier answer is gone on from, ${way.name}`, async () => {
    const first = await going(undefined, provider.says("tokens=2 call=get_time:e30="), "mindful");
    const words = provider.says("tokens=1");
    const second = await going(first.id, words, "mindful");
    assert.equal(second.output_text, "t0 ");
    const body = JSON.stringify(await sent(words));
    assert.match(body, /t0 t1 /, "the provider hears what it had said");
    assert.match(body, /get_time/);
    const third = provider.says("tokens=1");
    await going(second.id, third, "mindful");
    assert.ok(JSON.stringify(await sent(third)).includes(words.tag), "and so on");
  });

  story(`responses: an earlier answer that nobody kept, ${way.name}`, async () => {
    const words = provider.says();
    for (const model of ["mindful", "coder"]) {
      const error = await going("resp_unknown", words, model).catch((e) => e);
      assert.equal(error.status, 400, model);
      assert.match(error.message, model === "coder" ? /previous_response_id/ : /resp_unknown|previous_response_id/);
    }
    assert.deepEqual(await provider.calls(words), []);
  });
}

// --- Errors, and what both APIs share

const REFUSALS = [
  ["a key that nobody knows", { token: "gsr_nobody" }, "", 401, "invalid_api_key"],
  ["a model that nobody knows", { model: "gpt-unknown" }, "", 404, "model_not_found"],
  ["a bad request", {}, "body=invalid", 400],
  ["a context that is too long", {}, "body=context", 400, "context_length_exceeded"],
  ["a rate", {}, "body=rate retry_after=7", [429, 503], "rate_limit_exceeded"],
  ["a quota", {}, "body=quota", [429, 503], "insufficient_quota"],
  ["overload", {}, "body=overloaded", 503, "server_is_overloaded"],
  ["a fault", {}, "body=server", [500, 502]],
];
const MADE_BY_NODE = ["gsr_nobody", "gpt-unknown"];

for (const way of all)
  for (const [what, wrong, script, statuses, code] of REFUSALS) {
    // A provider of its own knows no tokens and has every model.
    if (way.straight && Object.values(wrong).some((word) => MADE_BY_NODE.includes(word))) continue;
    story(`${what} is told as what it is, ${way.name}`, async () => {
      for (const stream of [false, true])
        for (const call of [(client, words, more) => client.chat.completions.create(chat(words, more)),
          (client, words, more) => client.responses.create(ask(words, more))]) {
          const { token, model } = { ...(await way.fresh(MODEL)), ...wrong };
          const client = sdk({ url: way.url, token });
          const error = await call(client, provider.says(script), { model, stream }).catch((e) => e);
          assert.ok(error instanceof OpenAI.APIError, `not refused: ${JSON.stringify(error)}`);
          assert.ok([statuses].flat().includes(error.status), `${error.status} ${error.message}`);
          if (code) assert.equal(error.code, code);
          assert.ok(error.type && error.error.message);
          if (code === "insufficient_quota" && !way.straight) assert.equal(error.headers.get("x-should-retry"), "false");
          if (script.includes("retry_after")) assert.equal(error.headers.get("retry-after"), "7");
          if (!way.straight) assert.match(error.requestID, /^req_/);
        }
    });
  }

each("after a rate it tries again", async (way) => {
  await way.next(MODEL, "body=rate retry_after=0");
  const words = provider.says("tokens=1");
  const got = await sdk(way, { maxRetries: 2 }).chat.completions.create(chat(words));
  return { got, calls: await provider.calls(words) };
}, ({ got, calls }) => {
  assert.equal(got.choices[0].message.content, "t0 ");
  assert.equal(calls.length, 2);
});

for (const way of through) {
  story(`models are the token's groups and their further names, ${way.name}`, async () => {
    const ids = (await gather(sdk(way).models.list())).map((model) => model.id);
    for (const id of ["coder", "careful", "mindful", MODEL]) assert.ok(ids.includes(id), `${id} in ${ids}`);
    assert.equal((await sdk(way).models.retrieve(MODEL)).id, MODEL);
    assert.equal((await sdk(way).models.retrieve("gpt-unknown").catch((error) => error)).status, 404);
  });

  story(`the longer paths do as well, ${way.name}`, async () => {
    const client = sdk({ url: `${way.url}/openai`, token: way.token });
    assert.equal((await client.chat.completions.create(chat(provider.says("tokens=1")))).choices[0].message.content, "t0 ");
    assert.equal((await client.responses.create(ask(provider.says("tokens=1")))).output_text, "t0 ");
  });

  story(`what a target cannot take is dropped by leave of the group, and named, ${way.name}`, async () => {
    const more = { seed: 7, logit_bias: { 50256: -100 } };
    const { data, response } = await sdk(way).chat.completions
      .create(chat(provider.says("tokens=1"), more)).withResponse();
    assert.equal(data.choices[0].message.content, "t0 ");
    const dropped = response.headers.get("x-router-dropped") ?? "";
    assert.equal(/seed/.test(dropped), way.dialect !== "chat", dropped);
    const strict = await sdk(way).chat.completions.create(chat(provider.says("tokens=1"), { ...more, model: "careful" }))
      .catch((error) => error);
    if (way.dialect === "chat") assert.equal(strict.choices[0].message.content, "t0 ");
    else assert.match(`${strict.status} ${strict.message}`, /^(400|502).*(seed|logit_bias)/);
  });
}
