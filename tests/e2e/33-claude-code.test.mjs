// Claude Code, unmodified: whatever dialect serves it, a turn ends as it does
// against a provider of its own.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { answer, claude, RED, story, until, ways } from "./lab.mjs";

const { each, lab, through } = await ways({ together: true });

const OPUS = "claude-opus-5-5";

// How a run ends, and what the provider was asked in it, at last this.
async function ask(way, script, { model = OPUS, tools = "", ...more } = {}) {
  const calls = await way.watch();
  const end = await claude({
    url: way.url, token: way.token, model, prompt: lab.provider.says(script).text, ...more,
    more: tools ? [`--allowedTools=${tools}`] : [],
  });
  const asked = await calls();
  return { ...end, asked, last: asked.length > 0 ? await lab.provider.bodyOf(asked.at(-1)) : "" };
}

// The same, of a target that fails: the next run is not to feel it.
async function askFailing(way, script) {
  const end = await ask(way, script);
  await way.forget();
  return end;
}

// What a user sees of it.
const seen = ({ code, text, failed, calls, results }) => ({
  code, text, failed, calls: calls.map(({ name, input }) => ({ name, input })),
  results: results.map(({ content, is_error }) => ({ content, is_error })),
});

each("a prompt is answered", (way) => ask(way, "tokens=3 prompt=40 cached=8 completion=9"), async (end, straight, way) => {
  assert.deepEqual([end.code, end.text, end.failed], [0, "t0 t1 t2 ", false]);
  assert.deepEqual(seen(end), seen(straight));
  assert.equal(end.result.stop_reason, "end_turn");
  for (const figure of ["input_tokens", "cache_read_input_tokens", "output_tokens"])
    assert.equal(end.result.usage[figure], straight.result.usage[figure], figure);
  if (way.straight) return;
  const row = await until("the row is settled", async () => (await way.node.rows(1)).find((r) => r.state === "settled"));
  assert.deepEqual([row.status, row.stream, row.attempts, row.usage_source, row.input_tokens, row.cache_read_tokens],
    [200, true, 1, "provider", 32, 8]);
});

each("a name that only the node knows", (way) => ask(way, "tokens=2", { model: "coder" }), (end, straight) => {
  assert.deepEqual([end.code, end.text], [0, "t0 t1 "]);
  assert.deepEqual(seen(end), seen(straight));
});

each("a key in place of a token", (way) =>
  ask(way, "tokens=2", { env: { ANTHROPIC_AUTH_TOKEN: "", ANTHROPIC_API_KEY: way.token } }),
(end, straight) => {
  assert.deepEqual([end.code, end.text], [0, "t0 t1 "]);
  assert.deepEqual(seen(end), seen(straight));
});

each("without experiments it is answered as well", (way) =>
  ask(way, "tokens=2", { env: { CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: "1" } }),
(end, straight) => assert.deepEqual(seen(end), seen(straight)));

each("a command is run and its output seen", (way) =>
  ask(way, `tokens=1 ${way.call("Bash", { command: "cat hello.txt", description: "Show a file" })}`,
    { tools: "Bash", files: { "hello.txt": "hello there\n" } }),
async (end, straight) => {
  assert.equal(end.code, 0);
  assert.deepEqual(end.results.map(({ content, is_error }) => [content, is_error]), [["hello there", false]]);
  assert.deepEqual(seen(end), seen(straight));
  assert.equal(end.asked.length, 2);
  assert.match(end.last, /hello there/);
});

each("a command that fails is told as failed", (way) =>
  ask(way, `tokens=1 ${way.call("Bash", { command: "echo oh no; exit 3", description: "Fail" })}`, { tools: "Bash" }),
async (end, straight) => {
  assert.deepEqual(end.results.map(({ content, is_error }) => [content, is_error]), [["Exit code 3\noh no", true]]);
  assert.deepEqual(seen(end), seen(straight));
  assert.match(end.last, /Exit code 3/);
});

each("thinking comes back with its signature", async (way) => {
  const dialect = way.spoken("messages");
  await way.queue("messages", answer(dialect, [{ thinking: "Let me see.", blob: "c2VhbA==" }, { text: "Looking." },
    { call: { name: "Bash", args: { command: "echo one", description: "Say one" } } }]));
  await way.queue("messages", answer(dialect, [{ text: "It says one." }]));
  return ask(way, "", { tools: "Bash" });
}, async (end, straight, way) => {
  assert.deepEqual([end.code, end.text], [0, "It says one."]);
  assert.deepEqual(seen(end), seen(straight));
  const thoughts = end.events.flatMap((event) => event.message?.content ?? []).filter((block) => block.type === "thinking");
  assert.deepEqual(thoughts.map((block) => block.thinking), ["Let me see."]);
  if (way.spoken("messages") !== "chat") assert.match(end.last, /c2VhbA==/);
});

each("three turns of tools, two calls at once", async (way) => {
  const dialect = way.spoken("messages");
  const call = (command) => ({ call: { name: "Bash", args: { command, description: "Say" } } });
  const turns = [[{ text: "First." }, call("echo one"), call("echo two")], [call("echo three")], [{ text: "Done: \"3\" €." }]];
  for (const parts of turns)
    await way.queue("messages", answer(dialect, parts));
  return ask(way, "", { tools: "Bash" });
}, (end, straight) => {
  // Two that run at once end as they like.
  assert.deepEqual(end.results.map(({ content }) => content).sort(), ["one", "three", "two"]);
  assert.equal(end.text, "Done: \"3\" €.");
  assert.deepEqual(seen(end).calls, seen(straight).calls);
});

each("a picture that a tool reads reaches the model", async (way) => {
  const dialect = way.spoken("messages");
  await way.queue("messages", answer(dialect, [{ call: { name: "Read", args: { file_path: "red.png" } } }]));
  await way.queue("messages", answer(dialect, [{ text: "It is red." }]));
  return ask(way, "", { tools: "Read", files: { "red.png": Buffer.from(RED, "base64") } });
}, async (end, straight) => {
  assert.deepEqual([end.code, end.text], [0, "It is red."]);
  assert.deepEqual(seen(end), seen(straight));
  assert.ok(end.last.includes(RED));
});

each("a file is written", (way) =>
  ask(way, `tokens=1 ${way.call("Write", { file_path: "added.txt", content: "new\n\tline \"two\"\n" })}`, { tools: "Write" }),
(end) => {
  assert.equal(end.code, 0);
  assert.equal(readFileSync(join(end.dir, "added.txt"), "utf8"), "new\n\tline \"two\"\n");
});

// Its search is a request of its own, with nothing but the provider's tool:
// where no provider runs it, a plain answer will do.
each("a search is answered", (way) =>
  ask(way, `tokens=1 ${way.call("WebSearch", { query: "llm router" })}`,
    { tools: "WebSearch", env: { ENABLE_TOOL_SEARCH: "false" } }),
(end, straight) => {
  assert.deepEqual([end.code, end.text], [0, "t0 "]);
  assert.match(end.results[0].content, /Web search results/);
  assert.deepEqual(seen(end).calls, seen(straight).calls);
});

// A node asks once more itself, where that helps: then it does not hear of it.
for (const [what, script] of [["overload", "body=overloaded"], ["a rate", "body=rate retry_after=1"], ["a fault", "body=server"]])
  each(`after ${what} it tries again`, async (way) => {
    await way.next(OPUS, script);
    return askFailing(way, "tokens=2");
  }, async (end, straight, way) => {
    assert.deepEqual([end.code, end.text], [0, "t0 t1 "]);
    assert.deepEqual(seen(end), seen(straight));
    const retries = end.events.filter((event) => event.subtype === "api_retry");
    if (way.straight) assert.equal(retries.length, 1);
    else assert.equal(retries.length > 0, what === "a rate");
    assert.equal(end.asked.length, 2);
  });

each("a prompt that is too long is told with its numbers", (way) => askFailing(way, "body=context"), async (end, straight, way) => {
  assert.equal(end.code, 1);
  assert.match(end.text, /^Prompt is too long/);
  if (way.spoken("messages") === "messages") assert.deepEqual(seen(end), seen(straight));
  assert.equal(end.asked.length, 1, "nobody tries that again");
});

each("a bad request is told", (way) => askFailing(way, "body=invalid"), (end) => {
  assert.deepEqual([end.code, end.failed], [1, true]);
  assert.match(end.text, /API Error: 400.*Invalid request/);
});

each("an unpaid bill is not tried again", (way) => askFailing(way, "body=billing"), async (end) => {
  assert.deepEqual([end.code, end.failed], [1, true]);
  assert.equal(end.asked.length, 1);
});

each("a stream that fails midway is asked for again, whole", async (way) => {
  await way.next(OPUS, "tokens=2 error_in_stream=1 body=overloaded");
  return askFailing(way, "tokens=2");
}, async (end, straight) => {
  assert.deepEqual([end.code, end.text], [0, "t0 t1 "]);
  assert.deepEqual(seen(end), seen(straight));
  assert.equal(end.asked.length, straight.asked.length);
});

each("a stream that is cut is never taken for whole", async (way) => {
  await way.next(OPUS, "tokens=9 cut_after=2");
  return askFailing(way, "tokens=2");
}, async (end, straight) => {
  assert.deepEqual([end.code, end.text], [0, "t0 t1 "]);
  assert.deepEqual(seen(end), seen(straight));
});

each("a model that nobody knows is refused", (way) =>
  ask(way, way.straight ? "body=model" : "", { model: "claude-unknown" }),
async (end, straight, way) => {
  assert.deepEqual([end.code, end.failed, straight.code], [1, true, 1]);
  assert.match(end.text, /model/);
  if (!way.straight) assert.equal(end.asked.length, 0);
});

each("/context counts tokens", (way) => claude({ url: way.url, token: way.token, model: OPUS, prompt: "/context" }),
  (end, straight, way) => {
    assert.equal(end.code, 0);
    assert.match(end.text, /## Context Usage/);
    const figure = /\*\*Tokens:\*\* ([\d.]+)k/.exec(end.text)?.[1];
    assert.ok(Number(figure) > 0, end.text);
    if (way.spoken("messages") === "messages")
      assert.equal(end.text.replaceAll(/[\d.]+k?/g, ""), straight.text.replaceAll(/[\d.]+k?/g, ""));
  });

// A provider has models of its own; the node has names for its groups.
for (const way of through)
  story(`its list of models has the node's names, ${way.name}`, async () => {
    const end = await claude({
      url: way.url, token: way.token, model: OPUS, prompt: lab.provider.says("tokens=1").text, quiet: false,
      env: { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1" },
    });
    assert.deepEqual([end.code, end.text], [0, "t0 "]);
    const file = join(end.home, "claude", "cache", "gateway-models.json");
    assert.ok(existsSync(file), "it found none");
    const models = JSON.parse(readFileSync(file, "utf8")).models;
    const opus = models.find((model) => model.id === OPUS);
    assert.equal(opus?.display_name, `Coder on ${way.dialect}`);
  });
