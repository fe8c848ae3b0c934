// The AI SDK, unmodified, by each of its providers: whatever dialect serves
// it, it sees what a provider of its own would have shown it.
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { answer, RED, ways } from "./lab.mjs";

const { each, lab } = await ways();
const { provider } = lab;

const PARIS = { city: "Paris", temp_c: 21 };

const openai = (way) => createOpenAI({ apiKey: way.token, baseURL: `${way.url}/v1` });
const anthropic = (way) => createAnthropic({ apiKey: way.token, baseURL: `${way.url}/v1` });
const compatible = (way) => createOpenAICompatible({
  name: "router", apiKey: way.token, baseURL: `${way.url}/v1`, includeUsage: true, supportsStructuredOutputs: true });

// By default, OpenAI's replays what it was told by reference only: the group
// has to remember it.
const PROVIDERS = [
  ["openai()", "responses", "mindful", (way, model) => openai(way)(model)],
  ["openai() without a store", "responses", "gpt-5", (way, model) => openai(way)(model),
    { openai: { store: false, include: ["reasoning.encrypted_content"] } }],
  ["openai.chat()", "chat", "gpt-5", (way, model) => openai(way).chat(model)],
  ["anthropic()", "messages", "claude-opus-5-5", (way, model) => anthropic(way)(model)],
  ["openai-compatible", "chat", "coder", (way, model) => compatible(way)(model)],
];

const weather = (asked) => ({
  get_weather: tool({
    description: "The weather in a city", inputSchema: z.object({ city: z.string(), temp_c: z.number() }),
    execute: (input) => asked.push(input) && `21 degrees in ${input.city}`,
  }),
});

const REFUSALS = [["a bad request", "body=invalid", [400]], ["overload", "body=overloaded", [502, 503, 529]]];

// Its own warnings are about models that it does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const stepsSeen = (steps) => steps.map(({ text, finishReason, toolCalls, toolResults }) => ({
  text, finishReason, calls: toolCalls.map(({ toolName, input }) => [toolName, input]),
  results: toolResults.map(({ output }) => output),
}));

for (const [name, own, model, make, providerOptions = {}] of PROVIDERS) {
  const ask = (way, words, more = {}) =>
    ({ model: make(way, model), prompt: words.text, maxRetries: 0, providerOptions, ...more });

  each(`${name}: an answer`, (way) => generateText(ask(way, provider.says("tokens=3 prompt=40 cached=8 completion=9"))),
    (got, straight) => {
      assert.deepEqual([got.text, got.finishReason], ["t0 t1 t2 ", "stop"]);
      assert.deepEqual([got.usage.inputTokens, got.usage.outputTokens, got.usage.inputTokenDetails?.cacheReadTokens],
        [40, 9, straight.usage.inputTokenDetails?.cacheReadTokens]);
    });

  each(`${name}: a stream`, async (way) => {
    const result = streamText(ask(way, provider.says("tokens=3 prompt=40 completion=9")));
    const texts = [], kinds = [];
    for await (const part of result.fullStream) {
      kinds.push(part.type);
      if (part.type === "text-delta") texts.push(part.text);
    }
    return { texts, kinds: kinds.filter((kind, i) => kind !== kinds[i - 1]), usage: await result.usage };
  }, ({ texts, kinds, usage }, straight) => {
    assert.equal(texts.join(""), "t0 t1 t2 ");
    assert.deepEqual(kinds, straight.kinds);
    assert.ok(!kinds.includes("error"));
    assert.deepEqual([usage.inputTokens, usage.outputTokens], [40, 9]);
  });

  each(`${name}: thinking`, async (way) => {
    const result = streamText(ask(way, provider.says("tokens=1 thinking=2")));
    await result.consumeStream();
    return { reasoning: await result.reasoningText, text: await result.text };
  }, (got, straight) => {
    assert.equal(got.text, "t0 ");
    assert.equal(got.reasoning, straight.reasoning);
  });

  for (const stream of [false, true])
    each(`${name}: tools are run in steps, stream ${stream}`, async (way) => {
      const asked = [];
      const words = provider.says(`tokens=1 thinking=1 ${way.call("get_weather", PARIS)}`);
      const call = ask(way, words, { tools: weather(asked), stopWhen: stepCountIs(5) });
      const result = stream ? streamText(call) : await generateText(call);
      if (stream) await result.consumeStream();
      return { asked, steps: stepsSeen(await result.steps), calls: await provider.calls(words), body: await provider.lastBody() };
    }, ({ asked, steps, calls, body }, straight, way) => {
      assert.deepEqual(asked, [PARIS]);
      assert.deepEqual(steps, straight.steps);
      assert.deepEqual(steps.map((step) => step.finishReason), ["tool-calls", "stop"]);
      assert.match(body, /21 degrees in Paris/);
      assert.equal(calls.length, 2);
      // Said again by reference, which no target but the one that said it knows.
      if (way.straight && name === "openai()") assert.match(body, /"item_reference"/);
      if (!way.straight) assert.doesNotMatch(body, /"item_reference"/);
    });

  each(`${name}: a picture`, async (way) => {
    const words = provider.says("tokens=1");
    const content = [{ type: "text", text: words.text }, { type: "file", mediaType: "image/png", data: RED }];
    const { prompt: _, ...call } = ask(way, words, { messages: [{ role: "user", content }] });
    return { text: (await generateText(call)).text, body: await provider.lastBody() };
  }, ({ text, body }) => {
    assert.equal(text, "t0 ");
    assert.ok(body.includes(RED));
  });

  each(`${name}: an answer of a form`, async (way) => {
    await way.queue(own, answer(way.spoken(own), [{ text: JSON.stringify(PARIS) }], { stream: false }));
    const schema = z.object({ city: z.string(), temp_c: z.number() });
    return (await generateText(ask(way, provider.says(), { output: Output.object({ schema }) }))).output;
  }, (got) => assert.deepEqual(got, PARIS));

  for (const [what, script, statuses] of REFUSALS)
    each(`${name}: ${what}`, (way) => generateText(ask(way, provider.says(script))).then(() => null, (error) => error),
      (error) => {
        assert.equal(error?.name, "AI_APICallError", `${error}`);
        assert.ok(statuses.includes(error.statusCode), `${error.statusCode}`);
        assert.ok(error.message && error.data?.error, "it understood the body");
      });

  each(`${name}: after overload it tries again`, async (way) => {
    await way.next(model, "body=overloaded retry_after=1");
    const words = provider.says("tokens=1");
    return { text: (await generateText(ask(way, words, { maxRetries: 2 }))).text, calls: await provider.calls(words) };
  }, ({ text, calls }) => assert.deepEqual([text, calls.length], ["t0 ", 2]));

  each(`${name}: a stream that fails midway`, async (way) => {
    const errors = [];
    const onError = ({ error }) => errors.push(error);
    const result = streamText(ask(way, provider.says("tokens=2 error_in_stream=1"), { onError }));
    const texts = [];
    for await (const part of result.fullStream) if (part.type === "text-delta") texts.push(part.text);
    return { texts, errors };
  }, ({ texts, errors }, straight) => {
    assert.equal(texts.join(""), "t0 t1 ");
    assert.equal(errors.length, straight.errors.length);
    assert.ok(errors.length > 0, "it ended as if all was well");
  });
}
