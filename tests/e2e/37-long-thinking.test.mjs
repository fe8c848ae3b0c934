// A provider that thinks for long is not taken for dead by anybody on the way:
// the caller's stream is begun without content, and kept alive in the words
// of its dialect.
import assert from "node:assert/strict";

import { story, ways } from "./lab.mjs";

const { lab, through } = await ways();

const ASKS = {
  chat: ["/v1/chat/completions", (text) => ({ messages: [{ role: "user", content: text }] })],
  responses: ["/v1/responses", (text) => ({ input: text })],
  messages: ["/v1/messages", (text) => ({ max_tokens: 100, messages: [{ role: "user", content: text }] })],
};

// The node's sign of life in each dialect's stream, and what is content. Before
// a stream has begun to speak, a comment is all that can be said in any.
const EARLY = /^: keep-alive\n\n/;
const ALIVE = { chat: /^: keep-alive$/m, responses: /"type":"keepalive"/, messages: /^event: ping$/m };
const CONTENT = { chat: /"content":"t0 /, responses: /output_text\.delta/, messages: /"text_delta"/ };
const END = { chat: /data: \[DONE\]\n\n$/, responses: /^event: response\.completed$/m, messages: /^event: message_stop$/m };

// Longer than a stream waits for its first content, and then for a sign of life.
const THINKS_MS = 32_000;
const PAUSES_MS = 17_000;

async function listen(way, dialect, script) {
  const [path, body] = ASKS[dialect];
  const words = lab.provider.says(script);
  const answer = await fetch(`${way.url}${path}`, {
    method: "POST",
    headers: { "authorization": `Bearer ${way.token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "coder", stream: true, ...body(words.text) }),
  });
  assert.equal(answer.status, 200);
  return answer.text();
}

// All at once: each takes as long as its provider.
const heard = [];
for (const way of through)
  for (const dialect of Object.keys(ASKS)) {
    const thinking = listen(way, dialect, `first_byte_ms=${THINKS_MS} tokens=2`);
    const pausing = listen(way, dialect, `interval_ms=${PAUSES_MS} tokens=2`);
    heard.push([way, dialect, thinking, pausing]);
  }

for (const [way, dialect, thinking, pausing] of heard) {
  story(`a ${dialect} caller of a ${way.dialect} target is told that it goes on before it speaks`, async () => {
    const text = await thinking;
    assert.ok(text.search(CONTENT[dialect]) > 0, text);
    assert.match(text, EARLY);
    assert.match(text, END[dialect]);
  });

  story(`a ${dialect} caller of a ${way.dialect} target is told that it goes on between two words`, async () => {
    const text = await pausing;
    const [first, second] = [text.indexOf('"t0 '), text.indexOf('"t1')];
    assert.ok(first > 0 && second > first, text);
    assert.match(text.slice(first, second), ALIVE[dialect]);
    assert.match(text, END[dialect]);
  });
}
