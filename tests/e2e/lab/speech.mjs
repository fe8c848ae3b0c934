// speech: how each dialect asks, and how its answers say text, end, and fail,
// for stories of what is on the wire.
import assert from "node:assert/strict";

export const SPEECH = {
  chat: {
    path: "/v1/chat/completions",
    body: (group, text, more) => ({ model: group, messages: [{ role: "user", content: text }], ...more }),
    text: (json) => json.choices[0].message.content,
    delta: (event) => event.json?.choices?.[0]?.delta?.content ?? "",
    ends: (event) => event.data === "[DONE]",
    fails: (event) => event.json?.error !== undefined,
    shape: (json) => assert.ok(json.error.message && json.error.type && "code" in json.error && json.type === undefined),
  },
  responses: {
    path: "/v1/responses",
    body: (group, text, more) => ({ model: group, input: text, store: false, ...more }),
    text: (json) => json.output.flatMap((item) => item.content ?? []).map((part) => part.text).join(""),
    delta: (event) => (event.name === "response.output_text.delta" ? event.json.delta : ""),
    ends: (event) => ["response.completed", "response.incomplete"].includes(event.name),
    fails: (event) => event.name === "response.failed" || event.name === "error",
    shape: (json) => assert.ok(json.error.message && json.error.type && "code" in json.error && json.type === undefined),
  },
  messages: {
    path: "/v1/messages",
    body: (group, text, more) => ({ model: group, max_tokens: 100, messages: [{ role: "user", content: text }], ...more }),
    text: (json) => json.content.map((block) => block.text ?? "").join(""),
    delta: (event) => event.json?.delta?.text ?? "",
    ends: (event) => event.name === "message_stop",
    fails: (event) => event.name === "error",
    shape: (json) => assert.ok(json.type === "error" && json.error.type && json.error.message),
  },
};

// The events of a stream: { name, data, json }.
export const events = (text) => text.split("\n\n").filter(Boolean).map((block) => {
  const field = (name) => block.split("\n").filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
  const data = field("data");
  let json;
  try {
    json = JSON.parse(data);
  } catch {}
  return { name: field("event"), data, json };
});

// { status, text, json, id, said, events, last, ended, failed } of a caller's
// request in a dialect, for a group.
export async function saying(caller, asks, group, prompt, more = {}, path = undefined) {
  const dialect = SPEECH[asks];
  const answer = await caller.post(dialect.body(group, prompt.text ?? prompt, more), {}, path ?? dialect.path);
  const id = answer.headers.get("x-request-id");
  if (answer.status !== 200) return { ...answer, id };
  if (!more.stream) return { ...answer, id, said: dialect.text(answer.json) };
  const all = events(answer.text);
  return {
    ...answer, id, events: all, said: all.map(dialect.delta).join(""),
    ended: all.filter(dialect.ends).length, failed: all.filter(dialect.fails).length, last: all.at(-1),
  };
}
