// Streams: each event as it comes, usage where it was asked for, and an end
// that is never taken for another.
import assert from "node:assert/strict";

import { atRest, Caller, costOf, mesh, OWN_PRICE, PRICE, sanitized, story, until } from "./lab.mjs";

const lab = await mesh();
const { egress, node, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const own = new Caller(node, app.token, "own");
// Of a caller that never heard our id.
const rowOf = (words) =>
  until("the row is settled", async () => (await node.rows(20)).find((row) => row.client_id === words.tag));

const WAYS = [[app, "through the egress", PRICE], [own, "to the team's own upstream", OWN_PRICE]];

for (const [caller, way, price] of WAYS) {
  story(`a stream goes ${way} as it comes`, async () => {
    const words = provider.says("tokens=6 interval_ms=100 prompt=20 completion=6");
    const stream = caller.stream(words);
    await stream.heard(2);
    assert.ok(!stream.over, "words come before the end");
    await stream.end;
    assert.equal(stream.error, null);
    assert.equal(stream.text, "t0 t1 t2 t3 t4 t5 ");
    assert.equal(stream.chunks.at(-1).choices[0].finish_reason, "stop");
    const { request } = await node.explain(stream.id);
    assert.deepEqual([request.status, request.stream, request.usage_source, request.input_tokens, request.output_tokens],
      [200, true, "provider", 20, 6]);
    assert.equal(request.cost_microusd, costOf({ prompt_tokens: 20, completion_tokens: 6 }, price));
    assert.ok(request.first_byte_us > 0 && request.first_byte_us < request.total_us);
  });

  story(`usage is hidden when nobody asked, and shown when asked, ${way}`, async () => {
    const quiet = await caller.stream(provider.says("tokens=2 prompt=5")).end;
    assert.equal(quiet.usage, undefined);
    assert.ok(quiet.chunks.every((chunk) => chunk.choices.length > 0));
    const asked = await caller.stream(provider.says("tokens=2 prompt=5"), { stream_options: { include_usage: true } }).end;
    assert.equal(asked.usage.prompt_tokens, 5);
    assert.equal(asked.usage.completion_tokens, 2);
    for (const { id } of [quiet, asked]) assert.equal((await node.explain(id)).request.input_tokens, 5);
  });

  story(`a slow reader pauses the provider and loses nothing, ${way}`, async () => {
    const [tokens, size] = [6000, 4000];
    const words = provider.says(`tokens=${tokens} size=${size}`);
    const before = [node.memory(), egress.memory()];
    const socket = caller.dial(words, { stream: true });
    await new Promise((ok) => socket.once("readable", ok));
    const made = await atRest("the provider is stopped", async () => (await provider.callOf(words)).chunks_sent);
    assert.ok(made > 0 && made * size < 4 * 1024 * 1024, `the provider made ${made} chunks of ${size} bytes`);
    const grown = [node.memory() - before[0], egress.memory() - before[1]];
    if (!sanitized) assert.ok(Math.max(...grown) < 4 * 1024, `memory grew by ${grown} KiB`);

    let bytes = 0, events = 0, tail = "";
    for await (const piece of socket) {
      bytes += piece.length;
      const text = tail + piece.toString("latin1");
      events += text.split('"delta":{"content"').length - 1;
      tail = text.slice(-17);
    }
    assert.ok(bytes > tokens * size);
    assert.equal(events, tokens);
    const call = await provider.callOf(words);
    assert.equal(call.finished, true);
    const [row] = await node.rows(1);
    assert.deepEqual([row.status, row.fail, row.output_tokens], [200, "", tokens]);
  });

  story(`a caller that leaves ends the provider's call and is still counted, ${way}`, async () => {
    for (const script of ["tokens=400 interval_ms=25", "latency_ms=20000"]) {
      const words = provider.says(script);
      const stream = caller.stream(words, {}, { "x-request-id": words.tag });
      if (script.startsWith("tokens")) await stream.heard(3);
      else await until("the provider is called", async () => (await provider.calls(words)).length > 0);
      await stream.hangUp();
      const call = await until("the provider's call is given up", async () => {
        const seen = await provider.callOf(words);
        return seen.client_gone && seen;
      });
      assert.equal(call.finished, false);
      const row = await rowOf(words);
      assert.deepEqual([row.status, row.fail, row.state === "open"], [499, "client-gone", false]);
      // What was sent is counted, and what was answered.
      const counted = await until("it is counted", async () => (await rowOf(words)).input_tokens > 0 && rowOf(words));
      assert.match(counted.usage_source, /estimated|partial/);
      assert.ok(counted.cost_microusd > 0);
      assert.equal(counted.output_tokens > 0, script.startsWith("tokens"));
    }
  });
}

story("a caller that leaves before a whole answer is counted for what was sent", async () => {
  for (const [caller] of WAYS) {
    const words = provider.says("latency_ms=20000");
    const leave = new AbortController();
    const asked = caller.sdk.chat.completions
      .create(caller.body(words), { signal: leave.signal, headers: { "x-request-id": words.tag } }).catch((error) => error);
    await until("the provider is called", async () => (await provider.calls(words)).length > 0);
    leave.abort();
    await asked;
    await until("the provider's call is given up", async () => (await provider.callOf(words)).client_gone);
    const row = await until("it is counted", async () => (await rowOf(words)).input_tokens > 0 && rowOf(words));
    assert.deepEqual([row.status, row.fail, row.usage_source, row.output_tokens], [499, "client-gone", "estimated", 0]);
  }
});

story("large requests and answers cross whole", async () => {
  for (const [caller] of WAYS) {
    const words = provider.says("huge=8000000 tokens=1");
    const { text } = await caller.ask({ text: words.text + "x".repeat(8_000_000) });
    assert.equal(text.length, 8_000_000);
    assert.ok((await provider.callOf(words)).body_bytes > 8_000_000);
  }
});

story("a crowd beyond a link's streams is told so at once, and the others are served", async () => {
  const words = provider.stallsAfter(1);
  const crowd = Array.from({ length: 2300 }, () => app.dial(words, { stream: true }));
  const heads = await Promise.all(crowd.map((socket) =>
    new Promise((ok) => socket.once("data", (piece) => ok(piece.toString("latin1"))))));
  const served = heads.filter((head) => head.startsWith("HTTP/1.1 200"));
  const refused = heads.filter((head) => head.startsWith("HTTP/1.1 503"));
  assert.deepEqual([served.length, refused.length], [2048, 252]);
  for (const head of refused) assert.match(head, /X-Router-Error: overloaded/i);
  assert.equal((await own.ask(provider.says("tokens=1"))).text, "t0 ");
  for (const socket of crowd) socket.destroy();
  await until("there is room again", async () => (await app.ask(provider.says("tokens=1"))).text === "t0 ");
});

story("what a caller left is counted alike by node and egress", async () => {
  const stream = app.stream(provider.says("tokens=400 interval_ms=25"));
  await stream.heard(3);
  await stream.hangUp();
  const mine = await until("the receipt is there", async () => {
    const told = await node.explain(stream.id);
    return told.receipts.length === 1 && told;
  });
  const theirs = await egress.explain(stream.id);
  for (const column of ["input_tokens", "output_tokens", "cost_microusd", "usage_source"]) {
    assert.equal(mine.attempts[0][column], theirs.attempts[0][column], column);
    assert.equal(mine.request[column], theirs.attempts[0][column], column);
  }
  assert.equal(theirs.attempts[0].fail, "client-gone");
  assert.equal((await node.verify()).code, 0);
});

story("many streams at once do not mix", async () => {
  const streams = Array.from({ length: 60 }, (_, i) => {
    const n = 5 + (i % 20);
    const caller = i % 2 ? app : own;
    return { n, stream: caller.stream(provider.says(`tokens=${n} interval_ms=${i % 7} prompt=${i + 1}`)), prompt: i + 1 };
  });
  for (const { n, stream, prompt } of streams) {
    await stream.end;
    assert.equal(stream.error, null);
    assert.equal(stream.text, Array.from({ length: n }, (_, k) => `t${k} `).join(""));
    const { request } = await node.explain(stream.id);
    assert.deepEqual([request.input_tokens, request.output_tokens], [prompt, n]);
  }
});

story("a stalled reader does not hold up its neighbours on the link", async () => {
  const words = provider.says("tokens=6000 size=4000");
  const socket = app.dial(words, { stream: true });
  await until("it is stalled", async () => (await provider.calls(words))[0]?.chunks_sent > 5);
  for (let i = 0; i < 8; i++) assert.equal((await app.stream(provider.says("tokens=3")).end).text, "t0 t1 t2 ");
  socket.destroy();
  await until("it is given up", async () => (await provider.callOf(words)).client_gone);
});
