// What real clients sent, sent again: to a target of its own dialect it goes
// and comes back as it is, and any other gives an answer all the same.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { captures, read } from "./lab/captures.mjs";
import { open, statuses, story, ways } from "./lab.mjs";

const { lab, through } = await ways({ team: { allow: ["hosted_tools"] }, fresh: 30, drop: [] });
const { provider } = lab;

// What goes to its own dialect loses nothing; what is translated may.
const STRICT = "careful";
const GROUP = "coder";

// What the router sets or caps, whatever a caller says.
const OWNED = ["model", "store", "include", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens"];
// What has to arrive byte for byte.
const UNTOUCHED = ["messages", "input", "tools", "system", "instructions"];
const SDK_ENDS = ["stop", "completed", "end_turn"];

// What tools cost beyond their text.
const TOOL_PROMPT = 1000;
// What Responses takes at least as a cap, which nobody may raise.
const LEAST_CAP = 16;

// The names that may stand in X-Router-Dropped.
const KNOWN = new Set([...readFileSync(new URL("../../node/dialect/carry.def", import.meta.url), "utf8")
  .matchAll(/^CARRY\(\w+, "([^"]+)"/gm)].map(([, name]) => name));

const without = (body, keys) => Object.fromEntries(Object.entries(body).filter(([key]) => !keys.includes(key)));

// Usage in a Chat stream that nobody asked for is not shown.
function shown({ body, response, dialect }) {
  if (dialect !== "chat" || body.stream_options?.include_usage) return response.body;
  return response.body.split("\n\n").filter((event) => !event.includes("\"choices\":[]")).join("\n\n");
}

// The error in a stream, and what comes before it.
const ERROR = /(?:event: (?:error|response\.failed)\n)?data: \{(?:"type":"(?:error|response\.failed)"|"error":)[^]*$/;

// A failure gets a target of its own, and is told for as often as it is asked.
async function askStrictly(way, exchange) {
  const { response } = exchange;
  const retry = response.headers["retry-after"];
  const fails = response.status !== 200 || ERROR.test(response.body);
  for (let i = 0; i < (fails ? 2 : 1); i++)
    await way.queue(exchange.dialect, { type: exchange.type, body: response.body },
      `status=${response.status}${retry ? ` retry_after=${retry}` : ""}`);
  const { calls } = await provider.count();
  const { token, model } = fails ? await way.fresh() : { token: way.token, model: STRICT };
  const answer = await exchange.send({ url: way.url, token }, model);
  const text = await answer.text();

  const { attempts } = await way.node.explain(answer.headers.get("x-request-id"));
  assert.ok(attempts.length === 1 || (fails && attempts.length === 2 && attempts[1].again), text);
  assert.equal((await provider.count()).calls, calls + attempts.length, text);
  return { answer, text, fails };
}

async function goesUnchanged(way, exchange) {
  const { body } = exchange;
  const { answer, text, fails } = await askStrictly(way, exchange);
  const raw = await provider.lastBody();
  assert.deepEqual(without(JSON.parse(raw), OWNED), without(body, OWNED));
  for (const key of UNTOUCHED) if (key in body) assert.ok(raw.includes(JSON.stringify(body[key])), `${key} is as it was`);
  for (const key of ["max_tokens", "max_completion_tokens", "max_output_tokens"])
    if (key in body) assert.equal(JSON.parse(raw)[key], body[key]);
  comesBack(answer, text, exchange);
  if (fails) await provider.ask("reset", { method: "POST" });
}

function comesBack(answer, text, exchange) {
  const { response } = exchange;
  if (response.status !== 200) return refusedAlike(answer, JSON.parse(text), response);
  const whole = shown(exchange);
  if (!ERROR.test(whole)) {
    assert.equal(answer.status, 200, text);
    return assert.equal(text, whole);
  }
  // What failed before it said anything is a refusal; else all that came is
  // passed on, and the failure told in the router's words.
  if (answer.status !== 200) return assert.ok(answer.status >= 500 && JSON.parse(text).error, text);
  assert.match(text, ERROR);
  assert.equal(text.replace(ERROR, ""), whole.replace(ERROR, ""));
}

// A provider's limits are told as the router's own; what a caller has done
// wrong is told in the provider's words, since clients match on them.
function refusedAlike(answer, told, response) {
  const was = JSON.parse(response.body);
  assert.equal(told.type, was.type);
  assert.equal(typeof told.error.type, "string");
  if (response.status !== 400) {
    assert.ok([429, 500, 502, 503, 529].includes(answer.status), `${answer.status}`);
    return;
  }
  assert.equal(answer.status, 400);
  for (const key of ["message", "type", "code"]) assert.equal(told.error[key], was.error[key]);
}

async function isAnswered(way, exchange) {
  const answer = await exchange.send(way, GROUP);
  const cap = exchange.body.max_tokens ?? exchange.body.max_completion_tokens;
  if (way.dialect === "responses" && cap < LEAST_CAP) return assert.equal(answer.status, 400);
  if (answer.status !== 200) assert.fail(`${answer.status} ${await answer.text()}`);
  const dropped = (answer.headers.get("x-router-dropped") ?? "").split(",").map((name) => name.trim()).filter(Boolean);
  for (const name of dropped) assert.ok(KNOWN.has(name), `"${name}" is dropped`);
  assert.match(answer.headers.get("x-request-id"), /^req_/);
  const { text, end } = await read(exchange.dialect, answer, exchange.stream);
  assert.match(text, /^t0 t1 /);
  assert.ok(SDK_ENDS.includes(end), end);
}

// An answer that a team's provider keeps is another's to ask for: nobody
// is let at it but through a group that keeps them itself.
const REFERS = (exchange) => exchange.body?.previous_response_id;

async function counts(way, exchange) {
  const native = way.dialect === "messages";
  if (native) await provider.script(`prompt=1234 times=1 for_model=${way.modelOf()}`);
  const answer = await exchange.send(way, native ? STRICT : GROUP);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-router-estimate"), native ? null : "true");
  const { input_tokens } = await answer.json();
  if (native) assert.equal(input_tokens, 1234);
  else assert.ok(input_tokens > 0 && input_tokens < JSON.stringify(exchange.body).length + TOOL_PROMPT, `${input_tokens}`);
}

async function upgrades(way, exchange) {
  const headers = exchange.request.headers.filter(([name]) => name.toLowerCase() !== "authorization");
  const head = [`GET ${exchange.path} HTTP/1.1`, "host: node", `authorization: Bearer ${way.token}`, "connection: upgrade",
    ...headers.map(([name, value]) => `${name}: ${value}`)];
  const socket = open(way.node.port, `${head.join("\r\n")}\r\n\r\n`);
  const said = await new Promise((ok) => socket.once("data", ok));
  socket.destroy();
  assert.deepEqual(statuses(said), [426]);
}

// What is no question to a model.
async function isServed(way, exchange) {
  if (exchange.request.upgrade) return upgrades(way, exchange);
  const answer = await exchange.send(way);
  if (exchange.path !== "/v1/models") return assert.ok(answer.status < 500, `${exchange.path}: ${answer.status}`);
  assert.equal(answer.status, 200);
  const list = await answer.json();
  const was = JSON.parse(exchange.response.body);
  assert.deepEqual(Object.keys(list).sort(), Object.keys(was).sort());
  assert.ok(list.data.length > 0);
  for (const key of Object.keys(was.data[0])) assert.ok(key in list.data[0], key);
}

function replay(way, exchange) {
  if (exchange.counts) return counts(way, exchange);
  if (!exchange.dialect) return isServed(way, exchange);
  if (REFERS(exchange)) return exchange.send(way, GROUP).then((answer) => assert.equal(answer.status, 400));
  return exchange.dialect === way.dialect ? goesUnchanged(way, exchange) : isAnswered(way, exchange);
}

for (const way of through)
  for (const { name, exchanges } of captures)
    story(`${name}, ${way.name}`, async () => {
      for (const [i, exchange] of exchanges.entries())
        try {
          await replay(way, exchange);
        } catch (error) {
          await provider.ask("reset", { method: "POST" });
          throw new Error(`its ${i + 1}. request, ${exchange.path}: ${error.message}`, { cause: error });
        }
    });
