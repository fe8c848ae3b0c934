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

// What shows that it goes on, and what is content, in each dialect's stream.
const ALIVE = { chat: /^: /m, responses: /^: |"type":"keepalive"/m, messages: /^: |^event: ping$/m };
const CONTENT = { chat: /"content":"t0 /, responses: /output_text\.delta/, messages: /"text_delta"/ };
const END = { chat: /data: \[DONE\]\n\n$/, responses: /^event: response\.completed$/m, messages: /^event: message_stop$/m };

// Longer than a stream waits for its first content, and then for a sign of life.
const THINKS_MS = 32_000;

async function listen(way, dialect) {
  const [path, body] = ASKS[dialect];
  const words = lab.provider.says(`first_byte_ms=${THINKS_MS} tokens=2`);
  const answer = await fetch(`${way.url}${path}`, {
    method: "POST",
    headers: { "authorization": `Bearer ${way.token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "coder", stream: true, ...body(words.text) }),
  });
  assert.equal(answer.status, 200);
  return answer.text();
}

const heard = [];
for (const way of through)
  for (const dialect of Object.keys(ASKS)) heard.push([way, dialect, listen(way, dialect)]);

for (const [way, dialect, stream] of heard)
  story(`a ${dialect} caller of a ${way.dialect} target is told that it goes on`, async () => {
    const text = await stream;
    const content = text.search(CONTENT[dialect]);
    assert.ok(content > 0, text);
    assert.match(text.slice(0, content), ALIVE[dialect]);
    assert.match(text, END[dialect]);
  });
