// The same words in each dialect, read by hand and by the vendors' own clients.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { post, url } from "./program.mjs";

const require = createRequire(new URL("../e2e/package.json", import.meta.url));
const { OpenAI } = require("openai");
const { Anthropic } = require("@anthropic-ai/sdk");

const user = (words) => [{ role: "user", content: `hi [[sim ${words}]]` }];
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

const openai = () => new OpenAI({ apiKey: "k", baseURL: url("/v1"), maxRetries: 0 });
const anthropic = () => new Anthropic({ apiKey: "k", baseURL: url(""), maxRetries: 0 });

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
