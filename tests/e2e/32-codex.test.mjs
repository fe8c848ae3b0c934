// Codex, unmodified: whatever dialect serves it, a turn ends as it does
// against a provider of its own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { answer, codex, RED, story, until, ways } from "./lab.mjs";

const { each, lab, through } = await ways({ together: true });

// Of unknown models it expects plain functions; this one it gives apply_patch
// as a freeform tool, and the last it asks to write programs.
const PLAIN = "gpt-5";
const FREEFORM = "gpt-5.5";
const CODEMODE = "gpt-6.1-sol";
const PATCH = "*** Begin Patch\n*** Add File: added.txt\n+patched\n*** End Patch\n";

// How a run ends, and what the provider was asked in it, at last this.
async function ask(way, script, { model = PLAIN, token = way.token, ...more } = {}) {
  const calls = await way.watch();
  const end = await codex({ url: way.url, token, model, prompt: lab.provider.says(script).text, ...more });
  const asked = await calls();
  return { ...end, asked, last: asked.length > 0 ? await lab.provider.bodyOf(asked.at(-1)) : "" };
}

// The same, of a target that fails: the next run is not to feel it.
async function askFailing(way, script, more) {
  const end = await ask(way, script, more);
  await way.forget();
  return end;
}

// What a user sees of it; errors carry ids of their own.
const seen = ({ code, text, commands, changes, errors }) => ({
  code, text, errors: errors.map((error) => error.replace(/, request id: \S+?\)?$/, "")),
  commands: commands.map(({ command, aggregated_output, exit_code }) => ({ command, aggregated_output, exit_code })),
  changes: changes.map(({ changes: files, status }) => ({
    status, files: files.map(({ path, kind }) => [path.split("/").at(-1), kind]) })),
});

const rowOf = async (way) => (await way.node.rows(1))[0];

each("a prompt is answered", (way) => ask(way, "tokens=3 prompt=40 cached=8 completion=9"), async (end, straight, way) => {
  assert.deepEqual([end.code, end.text], [0, "t0 t1 t2 "]);
  assert.deepEqual(seen(end), seen(straight));
  assert.deepEqual(end.events.at(-1).usage, straight.events.at(-1).usage);
  if (way.straight) return;
  const row = await until("the row is settled", async () => (await rowOf(way)).state === "settled" && rowOf(way));
  assert.deepEqual([row.status, row.stream, row.attempts, row.usage_source, row.input_tokens, row.cache_read_tokens],
    [200, true, 1, "provider", 32, 8]);
});

each("thinking is shown and comes back", (way) =>
  ask(way, `tokens=1 thinking=3 ${way.call("exec_command", { cmd: "cat hello.txt" })}`, { files: { "hello.txt": "hello\n" } }),
(end, straight) => {
  const thoughts = end.events.filter((event) => event.item?.type === "reasoning" && event.type === "item.completed");
  assert.deepEqual(thoughts.map((event) => event.item.text), ["h0 h1 h2 ", "h0 h1 h2 "]);
  assert.deepEqual(seen(end), seen(straight));
});

each("a command is run and its output seen", (way) =>
  ask(way, `tokens=1 ${way.call("exec_command", { cmd: "cat hello.txt" })}`, { files: { "hello.txt": "hello there\n" } }),
async (end, straight) => {
  assert.equal(end.code, 0);
  assert.deepEqual(end.commands.map((run) => [run.aggregated_output, run.exit_code]), [["hello there\n", 0]]);
  assert.deepEqual(seen(end), seen(straight));
  assert.equal(end.asked.length, 2);
  assert.match(end.last, /hello there/);
});

each("a command that fails is told as failed", (way) =>
  ask(way, `tokens=1 ${way.call("exec_command", { cmd: "echo oh no; exit 3" })}`),
(end, straight) => {
  assert.deepEqual(end.commands.map((run) => [run.aggregated_output, run.exit_code]), [["oh no\n", 3]]);
  assert.deepEqual(seen(end), seen(straight));
});

each("two commands in a row, then an answer", async (way) => {
  const dialect = way.spoken("responses");
  const call = (cmd) => answer(dialect, [{ text: `Running ${cmd}.` }, { call: { name: "exec_command", args: { cmd } } }]);
  for (const turn of [call("echo one"), call("echo two"), answer(dialect, [{ text: "Done: \"one\", two €." }])])
    await way.queue("responses", turn);
  return ask(way, "");
}, (end, straight) => {
  assert.deepEqual(end.commands.map((run) => run.aggregated_output), ["one\n", "two\n"]);
  assert.equal(end.text, "Running echo one.\nRunning echo two.\nDone: \"one\", two €.");
  assert.deepEqual(seen(end), seen(straight));
});

each("two commands at once", async (way) => {
  const dialect = way.spoken("responses");
  const call = (cmd) => ({ call: { name: "exec_command", args: { cmd } } });
  await way.queue("responses", answer(dialect, [call("echo one"), call("echo two")]));
  await way.queue("responses", answer(dialect, [{ text: "Both." }]));
  return ask(way, "");
}, (end, straight) => {
  assert.deepEqual(end.commands.map((run) => run.aggregated_output).sort(), ["one\n", "two\n"]);
  assert.equal(end.text, "Both.");
  assert.deepEqual([end.code, end.errors], [straight.code, straight.errors]);
});

each("a freeform patch makes a file", (way) =>
  ask(way, `tokens=1 ${way.custom("responses", "apply_patch", PATCH)}`, { model: FREEFORM }),
async (end, straight) => {
  assert.equal(end.code, 0);
  assert.equal(readFileSync(join(end.dir, "added.txt"), "utf8"), "patched\n");
  assert.deepEqual(seen(end), seen(straight));
  assert.equal(end.asked.length, 2);
});

// The tools of such a model stand in the input, in a namespace.
each("a program of its code mode is run", async (way) => {
  const name = way.straight || way.dialect === "responses" ? "exec" : "functions__exec";
  const input = "const r = await tools.exec_command({cmd:\"cat hello.txt\"}); text(r.output);";
  const dialect = way.spoken("responses");
  const turn = answer(dialect, [{ custom: { name, input } }]);
  if (dialect === "responses") turn.body = turn.body.replaceAll('"name":"exec"', '"name":"exec","namespace":"functions"');
  await way.queue("responses", turn);
  await way.queue("responses", answer(dialect, [{ text: "Read." }]));
  return ask(way, "", { model: CODEMODE, files: { "hello.txt": "hello there\n" } });
}, async (end, straight) => {
  assert.deepEqual([end.code, end.text, end.errors], [0, "Read.", []]);
  assert.deepEqual(seen(end), seen(straight));
  assert.match(end.last, /hello there/);
});

each("an image is shown", (way) =>
  ask(way, "tokens=1", { more: ["--image=red.png"], files: { "red.png": Buffer.from(RED, "base64") } }),
async (end, straight) => {
  assert.deepEqual([end.code, end.text], [0, "t0 "]);
  assert.deepEqual(seen(end), seen(straight));
  assert.ok(end.last.includes(RED));
});

// A node tells a provider's limits as its own 503, with the wait: Codex tries
// again either way, and says so in its own words.
for (const [what, script] of [["a rate", "body=rate retry_after=1"], ["overload", "body=overloaded"], ["a fault", "body=server"]])
  each(`after ${what} it tries again`, async (way) => {
    await way.next(PLAIN, script);
    return askFailing(way, "tokens=2");
  }, async (end, straight) => {
    assert.deepEqual([end.code, end.text], [0, "t0 t1 "]);
    assert.deepEqual([end.code, end.text], [straight.code, straight.text]);
    assert.equal(end.asked.length, 2);
  });

each("a context that is too long ends the turn, in Codex's words for it", (way) => askFailing(way, "body=context"),
  async (end, straight) => {
    assert.equal(end.code, 1);
    assert.match(end.errors[0], /ran out of room in the model's context window/);
    assert.deepEqual(seen(end), seen(straight));
    assert.equal(end.asked.length, 1, "nobody tries that again");
  });

each("a spent quota ends the turn, and nobody tries again", (way) => askFailing(way, "body=quota", { retries: 1 }), async (end) => {
  assert.equal(end.code, 1);
  assert.equal(end.asked.length, 1);
  assert.match(end.errors.at(-1), /quota/i);
});

each("a bad request is told and not tried again", (way) => askFailing(way, "body=invalid"), async (end) => {
  assert.equal(end.code, 1);
  assert.match(end.errors.at(-1), /Invalid request/);
  assert.equal(end.asked.length, 1);
});

each("a stream that fails midway is tried again, then given up", (way) =>
  askFailing(way, "tokens=2 error_in_stream=1 body=server", { retries: 1 }),
async (end, straight) => {
  assert.equal(end.code, 1);
  assert.match(end.errors.at(-1), /stream disconnected before completion/);
  assert.deepEqual([end.errors.length, end.text], [straight.errors.length, straight.text]);
  assert.equal(end.asked.length, 2);
});

each("a stream that is cut is tried again and never taken for whole", async (way) => {
  await way.next(PLAIN, "tokens=3 cut_after=2");
  return askFailing(way, "tokens=2");
}, async (end, straight) => {
  assert.deepEqual([end.code, end.text], [straight.code, straight.text]);
  assert.equal(end.text, "t0 t1 ");
  assert.equal(end.asked.length, 2);
});

each("a key that nobody knows is refused", (way) =>
  way.straight ? ask(way, "body=key", { retries: 0 }) : ask(way, "", { retries: 0, token: "gsr_nobody" }),
(end, straight) => {
  assert.equal(end.code, 1);
  assert.match(end.errors.at(-1), /401/);
  assert.equal(straight.code, 1);
});

each("a model that nobody knows is refused, once", (way) => ask(way, way.straight ? "body=model" : "", { model: "gpt-unknown" }),
  async (end, straight, way) => {
    assert.deepEqual([end.code, straight.code], [1, 1]);
    assert.match(end.errors.at(-1), /model/i);
    assert.equal(end.asked.length, way.straight ? 1 : 0);
  });

// It always lists a search that its provider would run, and that this team
// may not have: a group that may lose such tools serves it without, one that
// may lose nothing says why it does not.
for (const way of through) {
  story(`a search that is only listed is dropped, ${way.name}`, async () => {
    const end = await ask(way, "tokens=1");
    assert.deepEqual([end.code, end.text], [0, "t0 "]);
    const tools = JSON.stringify(JSON.parse(end.last).tools);
    assert.match(tools, /"exec_command"/);
    assert.doesNotMatch(tools, /"web_search"/);
  });

  story(`a group that may lose nothing says what it cannot serve, ${way.name}`, async () => {
    const end = await ask(way, "tokens=1", { model: "careful", retries: 0 });
    assert.deepEqual([end.code, end.asked.length], [1, 0]);
    assert.match(end.errors.at(-1), /web_search|hosted_tools/);
  });
}

// Where WebSockets are offered to it, it tries one first.
each("a WebSocket that is not to be had costs it nothing", (way) =>
  ask(way, "tokens=2", { more: ["-c", "model_providers.router.supports_websockets=true"] }),
(end, straight, way) => {
  assert.deepEqual([end.code, end.text], [0, "t0 t1 "]);
  if (!way.straight) assert.deepEqual(end.errors, []);
});
