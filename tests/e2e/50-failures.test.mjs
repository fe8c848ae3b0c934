// What providers do wrong is told as what it is, once, and never passed off
// as an answer.
import assert from "node:assert/strict";
import net from "node:net";

import { Caller, mesh, story, until } from "./lab.mjs";

// Nobody listens there; nobody has that name.
const closed = await new Promise((resolve) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const dead = (base_url) => ({ type: "openai-compatible", base_url, models: { m: { price: { input: 1, output: 1 } } } });
const DEAD = { refusing: dead(`http://127.0.0.1:${closed}/v1`), nameless: dead("http://nowhere.invalid/v1") };

const lab = await mesh({
  timeouts: { connect: "2s", first_byte: "2s", idle: "1s", total: "8s" },
  providers: DEAD,
  grants: ["refusing/m", "nameless/m"],
  upstreams: Object.fromEntries(Object.entries(DEAD).map(([name, provider]) => [`own-${name}`, provider])),
  groups: Object.fromEntries(["refusing", "nameless", "own-refusing", "own-nameless"].map((name) =>
    [name, { strategy: "static", targets: [`${name}/m`] }])),
});
const { egress, node, provider } = lab;
const app = await node.caller("app", {
  groups: ["assistant", "own", "refusing", "nameless", "own-refusing", "own-nameless"],
});
const own = new Caller(node, app.token, "own");
const WAYS = [[app, "through the egress"], [own, "to the team's own upstream"]];

// Each as a stream and whole: what the caller is told, and what the row says.
const REFUSALS = [
  ["a bad request", "body=invalid", 400, "provider-refused"],
  ["a context that is too long", "body=context", 400, "provider-refused"],
  ["a content policy", "body=policy", 400, "provider-refused"],
  ["a bad key", "body=key", 502, "upstream-failed"],
  ["a key without rights", "body=forbidden", 502, "upstream-failed"],
  ["a model it does not know", "body=model", 502, "upstream-failed"],
  ["a rate", "body=rate retry_after=3", 503, "upstream-rate-limited"],
  ["a quota", "body=quota", 429, "upstream-quota-exhausted"],
  ["an unpaid bill", "body=billing", 429, "upstream-quota-exhausted"],
  ["a fault of its own", "body=server", 502, "upstream-failed"],
  ["overload", "body=overloaded", 503, "upstream-overloaded"],
  ["overload in Anthropic's words", "status=529 body=overloaded", 503, "upstream-overloaded"],
  ["a page of HTML", "status=502 body=html", 502, "upstream-failed"],
  ["nothing", "status=500 body=empty", 502, "upstream-failed"],
  ["a redirect", "redirect=http://127.0.0.1:1/", 502, "upstream-failed"],
];

for (const [caller, way] of WAYS) {
  story(`a provider's refusal is told as what it is, ${way}`, async () => {
    for (const [what, script, status, router] of REFUSALS)
      for (const stream of [false, true]) {
        const words = provider.says(script);
        const error = await caller.refused(words, { stream });
        assert.deepEqual([error.status, error.router], [status, router], `${what}, stream ${stream}: ${error.message}`);
        assert.ok(error.error.type && error.error.message, what);
        assert.match(error.id, /^req_/);
        const vain = { "upstream-quota-exhausted": "false" }[router] ?? null;
        assert.equal(error.headers.get("x-should-retry"), vain, what);
        assert.equal(error.headers.has("retry-after"), status === 503 && !vain, what);
        await provider.callOf(words);
        const { request, attempts } = await node.explain(error.id);
        assert.deepEqual([request.status, request.fail, request.state, attempts.length], [status, router, "settled", 1], what);
        assert.equal(request.output_tokens, 0, what);
      }
  });

  story(`Retry-After of a provider reaches the caller, ${way}`, async () => {
    const error = await caller.refused(provider.refuses(429, "rate", "retry_after=7"));
    assert.equal(error.headers.get("retry-after"), "7");
  });

  story(`what is no answer is never one, ${way}`, async () => {
    for (const script of ["garbage=1", "garbage=json", "garbage=html", "garbage=chunk", "die_before_answer=1",
      "header_flood=20000", "cut_after=0b", "cut_after=60b", "reset_after=0b", "cut_after=400b"])
      for (const stream of [false, true]) {
        if (stream && script === "garbage=json") continue; // that word spoils whole answers
        const words = provider.says(script);
        const error = await caller.refused(words, { stream });
        assert.deepEqual([error.status, error.router], [502, "upstream-failed"], `${script}, stream ${stream}`);
        await provider.callOf(words);
        assert.equal((await node.explain(error.id)).request.fail, "upstream-failed");
      }
  });

  story(`a stream that is cut is never complete, wherever it is cut, ${way}`, async () => {
    const cuts = [
      ["cut_after=1", 1], ["cut_after=4", 4], ["reset_after=4", 4], ["cut_after=1000b", 1],
      ["error_in_stream=1 tokens=3 body=server", 3], ["garbage=sse", 0],
    ];
    for (const [script, heard] of cuts) {
      const words = provider.says(`tokens=8 interval_ms=5 ${script}`);
      const stream = await caller.stream(words).end;
      assert.ok(stream.error, `${script}: ${stream.text}`);
      assert.ok(stream.text.split(" ").length - 1 <= 8);
      assert.ok(stream.chunks.every((chunk) => !chunk.choices[0]?.finish_reason), script);
      const id = stream.id;
      const { request } = await node.explain(id);
      assert.notEqual(request.fail, "", script);
      assert.ok(request.status >= 500, script);
      if (heard > 0) {
        assert.equal(stream.text, Array.from({ length: stream.text.split(" ").length - 1 }, (_, i) => `t${i} `).join(""));
        assert.match(request.usage_source, /estimated|partial/, script);
        assert.ok(request.output_tokens > 0, script);
      }
    }
  });

  story(`a failure before the first word is an error of its own, not a stream, ${way}`, async () => {
    const error = await caller.refused(provider.says("tokens=0 error_in_stream=1 body=server"), { stream: true });
    assert.equal(error.status, 502);
    assert.equal(error.router, "upstream-failed");
  });

  story(`a stream without its marker is complete when it said why it finished, ${way}`, async () => {
    const stream = await caller.stream(provider.says("tokens=3 no_done=1")).end;
    assert.equal(stream.error, null);
    assert.equal(stream.text, "t0 t1 t2 ");
    assert.equal((await node.explain(stream.id)).request.fail, "");
  });

  story(`silence ends: before the answer, in a stream, in an answer, ${way}`, async () => {
    const [before, whole, stream] = await Promise.all([
      caller.refused(provider.says("latency_ms=20000")),
      caller.refused(provider.stallsAfter("300b")),
      caller.stream(provider.stallsAfter(2, "tokens=8 interval_ms=5")).end,
    ]);
    for (const error of [before, whole]) assert.deepEqual([error.status, error.router], [504, "upstream-timeout"]);
    assert.equal(stream.text, "t0 t1 ");
    assert.ok(stream.error);
    const { request } = await node.explain(stream.id);
    assert.deepEqual([request.status, request.fail], [504, "upstream-timeout"]);
    assert.ok(request.output_tokens > 0);
    await until("no call stays open", async () => (await provider.count()).open_calls === 0);
  });

  story(`the whole request has an end too, ${way}`, async () => {
    const stream = await caller.stream(provider.says("tokens=1000 interval_ms=100")).end;
    assert.ok(stream.error);
    assert.equal((await node.explain(stream.id)).request.fail, "upstream-timeout");
  });

  story(`a provider that cannot be reached is told so, and nothing is counted, ${way}`, async () => {
    for (const name of ["refusing", "nameless"]) {
      const error = await new Caller(node, app.token, caller === own ? `own-${name}` : name).refused();
      assert.deepEqual([error.status, error.router], [502, "upstream-failed"], name);
      const { request, attempts } = await node.explain(error.id);
      assert.deepEqual([request.cost_microusd, attempts[0].status], [0, 0], name);
    }
  });

  story(`an answer without usage is estimated and says so, ${way}`, async () => {
    for (const stream of [false, true]) {
      const words = provider.says("usage=none tokens=20");
      const id = stream ? (await caller.stream(words).end).id : (await caller.ask(words)).id;
      const { request } = await node.explain(id);
      assert.equal(request.usage_source, "estimated");
      assert.ok(request.input_tokens > 0 && request.output_tokens > 0 && request.cost_microusd > 0);
    }
  });

  story(`a used connection that dies before it answers is not asked twice, ${way}`, async () => {
    const fates = await until("a used connection died", async () => {
      await caller.ask(provider.says());
      const words = provider.says("die_on_reused=1");
      const outcome = await caller.ask(words).catch((error) => error);
      const call = await provider.callOf(words);
      return call.reused_connection && { outcome, call };
    });
    assert.equal(fates.outcome.status, 502);
    assert.equal(fates.call.status, 0);
  });
}

story("a key that a provider echoes goes no further", async () => {
  const keys = [lab.keys.openai, lab.keys.own];
  for (const [caller] of WAYS) {
    const key = caller === own ? lab.keys.own : lab.keys.openai;
    const message = `Incorrect API key provided: ${key}`;
    const raw = Buffer.from(JSON.stringify({ error: { message, type: "invalid_request_error", code: key } }));
    const told = [
      await caller.post(caller.body(provider.says(`status=400 body=b64:${raw.toString("base64")}`))),
      await caller.post(caller.body(provider.says(`status=401 body=b64:${raw.toString("base64")}`), { stream: true })),
      await caller.post(caller.body(provider.says("echo=1"))),
      await caller.post(caller.body(provider.says("echo=1"), { stream: true })),
    ];
    for (const { text } of told) for (const secret of keys) assert.ok(!text.includes(secret), text);
    assert.match(told[2].text, /authorization: Bearer \*+/i);
  }
  for (const member of [node, egress]) {
    const said = member.lines.join("\n") + JSON.stringify(await member.rows());
    for (const secret of keys) assert.ok(!said.includes(secret));
  }
});

// The script, and the class that the egress signs for.
const CLASSES = [
  ["body=rate", "rate-limited"], ["body=quota", "quota-exhausted"], ["body=billing", "quota-exhausted"],
  ["body=overloaded", "overloaded"], ["body=server", "server-error"], ["body=key", "auth"], ["body=forbidden", "auth"],
  ["body=model", "not-found"], ["body=invalid", "malformed"], ["body=policy", "policy"], ["body=context", "context-length"],
  ["stall_after=0", "timeout"], ["cut_after=400b", "bad-body"], ["tokens=1", ""],
  // The provider is a member of a mesh: its own provider's rate and quota are not this provider's.
  ["body=quota header=X-Router-Error:upstream-quota-exhausted", "member-error"],
  ["body=rate header=X-Router-Error:upstream-rate-limited", "member-error"],
  ["body=invalid header=X-Router-Error:invalid-request", "malformed"],
  ["body=context header=X-Router-Error:provider-refused", "context-length"],
];

story("the receipt has the class of a failure", async () => {
  for (const [script, failure] of CLASSES)
    for (const stream of [false, true]) {
      const words = provider.says(script);
      const id = failure === "" ? (await app.ask(words)).id : (await app.refused(words, { stream })).id;
      const [receipt] = await until("a receipt", async () => (await node.explain(id)).receipts.length > 0
        && (await node.explain(id)).receipts);
      assert.equal(receipt.class, failure, `${script}, stream ${stream}`);
    }
  const seen = new Set((await egress.rows()).map((row) => row.class));
  for (const [, failure] of CLASSES) assert.ok(seen.has(failure), failure);
});

story("a wait that only the words state reaches the caller", async () => {
  await provider.ask("answers?type=application/json&status=429", { method: "POST", body: JSON.stringify({ error: {
    message: "Rate limit reached. Please try again in 6.2s.", type: "tokens", code: "rate_limit_exceeded" } }) });
  assert.equal((await app.refused("hi")).headers.get("retry-after"), "7");
});

story("after all that node and egress agree", async () => {
  await until("receipts agree", async () => {
    const { code, out, err } = await node.verify();
    if (code !== 0) throw new Error(out + err);
    return true;
  });
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
});
