// Every class of failure, before the first word and after it: who is asked
// next, what the caller sees, and what is written down and paid for.
import assert from "node:assert/strict";
import net from "node:net";

import { Fresh, mesh, numbered, saying, SPEECH, story, until } from "./lab.mjs";

const TARGETS = ["chat", "responses", "messages"];
// The first target is a fresh one for each case; the second always answers.
const FRESH = 140;
// What is said of key or money closes the whole account at the egress: such a
// case has an account of its own for the first target.
const ACCOUNTS = 12;
const OF_ACCOUNT = /body=(key|quota|billing)/;
const FIRST = { input: 3, output: 12 };
const SECOND = { input: 1, output: 5 };
const CONTEXT = 100_000;

const closed = await new Promise((resolve) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const models = {
  ...numbered(FRESH, "first", () => ({ price: FIRST, context: CONTEXT })),
  ...numbered(FRESH, "wider", () => ({ price: FIRST, context: CONTEXT })),
  second: { price: SECOND, context: 2 * CONTEXT },
  small: { price: SECOND, context: CONTEXT / 2 },
};
const speaking = (dialect, base_url, secret) => ({
  type: dialect === "messages" ? "anthropic" : "openai", base_url, api_key: `secret/${secret}`, dialects: [dialect], models,
});
const dead = { type: "openai", base_url: `http://127.0.0.1:${closed}/v1`, api_key: "secret/own", models };

// Groups of a first target, and who comes behind it.
const groups = (name, first, second) => numbered(FRESH, name, (n) => ({
  strategy: "failover", targets: [`${first}-${n}`, second], drop: ["hints"], timeouts: { first_byte: "1s", idle: "1s" },
}));

// name-0 to name-11: accounts with one first model each.
const accounts = (name, value) => numbered(ACCOUNTS, name, value);
const lab = await mesh({
  grants: TARGETS.flatMap((name) => [`${name}/*`, ...Object.keys(accounts(name, () => 0)).map((own) => `${own}/*`)]),
  providers: ({ url }) => Object.assign({}, ...TARGETS.map((name) => ({
    [name]: speaking(name, url, "openai"),
    ...accounts(name, (n) => ({ ...speaking(name, url, "openai"), models: { [`first-${FRESH + n}`]: { price: FIRST, context: CONTEXT } } })),
  }))),
  upstreams: (at) => ({ near: speaking("chat", at.url, "own"), dead }),
  groups: {
    ...Object.assign({}, ...TARGETS.map((name) => groups(name, `${name}/first`, `${name}/second`))),
    ...Object.assign({}, ...TARGETS.map((name) => accounts(`own-${name}`, (n) => ({
      strategy: "failover", targets: [`${name}-${n}/first-${FRESH + n}`, `${name}/second`], drop: ["hints"],
    })))),
    ...groups("smaller", "chat/wider", "chat/small"),
    ...groups("near", "near/first", "near/second"),
    ...groups("dead", "dead/first", "chat/second"),
  },
});
const { node, provider } = lab;
const alone = Object.fromEntries(TARGETS.map((name) => [name, new Fresh(node, `own-${name}`, ACCOUNTS)]));
const fresh = Object.fromEntries([...TARGETS, "smaller", "near", "dead"].map((name) => [name, new Fresh(node, name, FRESH)]));

// Who asks, whom, and how that is said.
const WAYS = [
  ["chat", "chat", "chat to chat"], ["responses", "responses", "responses to responses"],
  ["messages", "messages", "messages to messages"], ["messages", "chat", "messages to chat"],
  ["chat", "near", "chat to the team's own upstreams"],
];

// What the first target does, its status (0: none), the class; and of what
// goes to nobody else, the status and name that OpenAI's and Anthropic's
// callers are told.
const OTHERS = [
  ["a rate", "body=rate", 429, "rate-limited"],
  ["a rate with a wait", "body=rate retry_after=30", 429, "rate-limited"],
  ["a spent quota", "body=quota", null, "quota-exhausted"],
  ["an unpaid bill", "body=billing", null, "quota-exhausted"],
  ["overload", "body=overloaded", null, "overloaded"],
  ["a fault", "body=server", 500, "server-error"],
  ["a page of a gateway", "status=502 body=html", 502, "server-error"],
  ["a reset", "reset_after=0b", 0, "network"],
  ["a connection that closes", "die_before_answer=1", 0, "network"],
  ["silence", "latency_ms=20000", 0, "timeout"],
  ["silence within the head of an answer", "stall_after=300b", 200, "timeout"],
  ["a truncated answer", "cut_after=400b", 200, "bad-body"],
  ["a page instead of an answer", "garbage=html", 200, "bad-body"],
  ["a bad key", "body=key", 401, "auth"],
  ["a key without rights", "body=forbidden", 403, "auth"],
  ["a model it does not have", "body=model", 404, "not-found"],
  ["a prompt too long for it", "body=context", 400, "context-length"],
  ["another member's fault", "body=server header=X-Router-Error:upstream-failed", 500, "member-error"],
  ["another member's rate", "body=rate header=X-Router-Error:upstream-rate-limited", 429, "member-error"],
];
const NOBODY = [
  ["a bad request", "body=invalid", 400, "malformed", [400, "provider-refused"], [400, "provider-refused"]],
  ["a content policy", "body=policy", 400, "policy", [400, "provider-refused"], [400, "provider-refused"]],
  ["a body too large", "body=large", 413, "too-large", [413, "provider-refused"], [413, "provider-refused"]],
];
// After the first words: how far it gets, and the class.
const LATE = [
  ["cut", "cut_after=3 tokens=8", "bad-body"],
  ["reset", "reset_after=3 tokens=8", "bad-body"],
  ["silent", "stall_after=3 tokens=8", "timeout"],
  ["ended by a rate", "error_in_stream=1 tokens=3 body=rate", "rate-limited"],
  ["ended by overload", "error_in_stream=1 tokens=3 body=overloaded", "overloaded"],
  ["ended by a fault", "error_in_stream=1 tokens=3 body=server", "server-error"],
];
const ONCE_MORE = ["overloaded", "server-error", "network", "timeout", "bad-body"];

const sum = (rows, column) => rows.reduce((total, row) => total + row[column], 0);

// One request whose first target does as the script says.
class Case {
  constructor(asks, pool, script, stream) {
    Object.assign(this, { asks, pool, script, stream, what: `${script}, stream ${stream}` });
  }

  untouched() {
    return OF_ACCOUNT.test(this.script) && alone[this.pool] || fresh[this.pool];
  }

  async ask() {
    const caller = await this.untouched().take();
    const n = Number(caller.model.match(/\d+$/));
    this.first = caller.model.startsWith("own-") ? `first-${FRESH + n}` :
      `${this.pool === "smaller" ? "wider" : "first"}-${n}`;
    this.words = provider.says(`tokens=2 prompt=50]] [[sim for_model=${this.first} ${this.script}`);
    this.answer = await saying(caller, this.asks, caller.model, this.words, { stream: this.stream });
    this.what += `: ${this.answer.text}`;
    await until("each receipt", async () =>
      (await node.explain(this.answer.id)).attempts.every((a) => a.egress === "" || a.receipt !== "none"));
    return Object.assign(this, await node.explain(this.answer.id));
  }

  // The calls that the provider got, by model.
  async calls() {
    return (await provider.calls(this.words)).map((call) => call.model);
  }

  // Rows and calls agree: each attempt is one call, and the sum is told.
  async adds(attempts, calls) {
    assert.deepEqual(this.attempts.map((a) => [a.number, a.target.split("/")[1], a.class, a.again]), attempts, this.what);
    assert.deepEqual(this.attempts.map((a) => a.after), ["", ...this.attempts.slice(0, -1).map((a) => a.class)], this.what);
    assert.deepEqual(await this.calls(), calls, this.what);
    assert.equal(this.request.attempts, attempts.length, this.what);
    for (const column of ["cost_microusd", "input_tokens", "output_tokens"])
      assert.equal(this.request[column], sum(this.attempts, column), `${column}, ${this.what}`);
    assert.ok(this.attempts.every((a) => /^(re)?settled$/.test(a.state) && !a.probe), this.what);
    assert.deepEqual(this.decision.candidates.map((c) => c.rank), [1, 2], this.what);
  }

  // Attempts of the first target, which all fail.
  failures(failure) {
    const once = [1, this.first, failure, false];
    return ONCE_MORE.includes(failure) ? [once, [2, this.first, failure, true]] : [once];
  }

  // The second target answered, and the caller sees nothing else.
  async servedBySecond(status, failure, called = true) {
    const { answer, request } = this;
    assert.deepEqual([answer.status, answer.said, answer.headers.get("x-router-error")], [200, "t0 t1 ", null], this.what);
    if (this.stream) assert.deepEqual([answer.ended || 1, answer.failed], [1, 0], this.what);
    if (this.stream && this.asks !== "chat") assert.equal(answer.ended, 1, this.what);
    const failures = this.failures(failure);
    await this.adds([...failures, [failures.length + 1, "second", "", false]],
      [...(called ? failures.map(() => this.first) : []), "second"]);
    for (const attempt of this.attempts.slice(0, -1)) {
      assert.notEqual(attempt.fail, "", this.what);
      if (status !== null) assert.equal(attempt.status, status, this.what);
    }
    assert.deepEqual([request.status, request.fail], [200, ""], this.what);
    assert.match(request.state, /^(re)?settled$/, this.what);
    assert.equal(request.target.split("/")[1], "second", this.what);
    assert.equal(this.attempts.at(-1).cost_microusd, 50 * SECOND.input + 2 * SECOND.output, this.what);
  }

  // Nobody else was asked, and the caller is told.
  async refused(failure, [status, router]) {
    const { answer, request } = this;
    assert.deepEqual([answer.status, answer.headers.get("x-router-error")], [status, router], this.what);
    SPEECH[this.asks].shape(answer.json);
    const failures = this.failures(failure);
    await this.adds(failures, failures.map(() => this.first));
    assert.deepEqual([request.status, request.fail, request.cost_microusd], [status, router, 0], this.what);
    assert.equal(request.target.split("/")[1], this.first, this.what);
  }
}

// A case, with a retry in the budget for it.
async function told(asks, pool, script, stream) {
  await lab.save();
  return new Case(asks, pool, script, stream).ask();
}

for (const [asks, pool, way] of WAYS) {
  for (const [what, script, status, failure] of OTHERS)
    story(`${what} is not seen: the next target answers, ${way}`, () => Promise.all([false, true].map(async (stream) =>
      (await told(asks, pool, script, stream)).servedBySecond(status, failure))));

  for (const [what, script, , failure, openai, anthropic] of NOBODY)
    story(`${what} goes to nobody else, ${way}`, () => Promise.all([false, true].map(async (stream) =>
      (await told(asks, pool, script, stream)).refused(failure, asks === "messages" ? anthropic : openai))));

  story(`after the first words no other target is asked, and the stream ends in an error, ${way}`, () =>
    Promise.all(LATE.map(async ([, script, failure]) => {
      const one = await told(asks, pool, `interval_ms=5 ${script}`, true);
      const { answer, request } = one;
      assert.equal(answer.status, 200, one.what);
      assert.match(answer.said, /^t0 (t1 (t2 )?)?$/, one.what);
      assert.deepEqual([answer.ended, answer.failed, SPEECH[asks].fails(answer.last)], [0, 1, true], one.what);
      await one.adds([[1, one.first, failure, false]], [one.first]);
      assert.notEqual(request.fail, "", one.what);
      assert.ok(request.status >= 400 && request.output_tokens > 0 && request.cost_microusd > 0, one.what);
      assert.equal(request.target.split("/")[1], one.first);
    })));
}

story("a refused connection is not seen: the next target answers", () => Promise.all([false, true].map(async (stream) =>
  (await told("chat", "dead", "tokens=2", stream)).servedBySecond(0, "network", false))));

story("a prompt too long for one target goes to none that is smaller", () => Promise.all([false, true].map(async (stream) =>
  (await told("chat", "smaller", "body=context", stream)).refused("context-length", [400, "provider-refused"]))));

story("another failure goes to a smaller one too", async () => {
  const one = await told("chat", "smaller", "body=rate", false);
  assert.deepEqual([one.answer.status, one.attempts.map((a) => a.target)], [200, [`chat/${one.first}`, "chat/small"]]);
});

story("a second attempt at the same target that is answered ends it", async () => {
  for (const pool of ["chat", "near"]) {
    const caller = await fresh[pool].take();
    const first = `first-${caller.model.split("-")[1]}`;
    const words = provider.says("tokens=2");
    await provider.script(`body=server tag=${words.tag} for_model=${first} times=1`);
    const { id, text } = await caller.ask(words);
    assert.equal(text, "t0 t1 ");
    const { attempts } = await node.explain(id);
    assert.deepEqual(attempts.map((a) => [a.number, a.class, a.again]), [[1, "server-error", false], [2, "", true]]);
    assert.deepEqual((await provider.calls(words)).map((call) => [call.model, call.status]), [[first, 500], [first, 200]]);
  }
});

story("when all fail, the last one's failure is told", async () => {
  for (const pool of ["chat", "near"]) {
    const caller = await fresh[pool].take();
    const words = provider.says("body=model");
    const error = await caller.refused(words);
    assert.deepEqual([error.status, error.router], [502, "upstream-failed"]);
    const { request, attempts } = await node.explain(error.id);
    assert.deepEqual(attempts.map((a) => [a.target.split("/")[1], a.class]), [[caller.model.replace(/^\w+/, "first"), "not-found"],
      ["second", "not-found"]]);
    assert.deepEqual([request.target.split("/")[1], request.fail, request.cost_microusd], ["second", "upstream-failed", 0]);
    await provider.callsOf(words, 2);
  }
});

story("a caller who leaves between two attempts ends it", async () => {
  await lab.save();
  const caller = await fresh.chat.take();
  const first = `first-${caller.model.split("-")[1]}`;
  const words = provider.says(`]] [[sim for_model=${first} latency_ms=20000`);
  const stream = caller.stream(words);
  await until("it is called", async () => (await provider.calls(words)).length > 0);
  await stream.hangUp();
  const request = await until("its row", async () => (await node.rows()).find((row) => row.fail === "client-gone"));
  assert.equal(request.attempts, 1);
  await provider.callsOf(words, 1);
});

story("after all that node and egress agree", async () => {
  await until("receipts agree", async () => {
    const { code, out, err } = await node.verify();
    if (code !== 0) throw new Error(out + err);
    return true;
  });
});
