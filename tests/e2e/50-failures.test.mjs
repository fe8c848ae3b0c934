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
  fresh: 240,
  alone: 20,
  providers: DEAD,
  grants: ["refusing/m", "nameless/m"],
  upstreams: Object.fromEntries(Object.entries(DEAD).map(([name, provider]) => [`own-${name}`, provider])),
  groups: Object.fromEntries(["refusing", "nameless", "own-refusing", "own-nameless"].map((name) =>
    [name, { strategy: "static", targets: [`${name}/m`] }])),
});
const { egress, node, provider } = lab;
const app = await node.caller("app", {
  groups: ["assistant", "refusing", "nameless", "own-refusing", "own-nameless"],
});
const WAYS = [["far", "through the egress"], ["near", "to the team's own upstream"]];

// The same target is asked once more where the class lets it.
const ONCE_MORE = ["overloaded", "server-error", "network", "timeout", "bad-body"];

// One that fails each time: the attempts that a class leads to, and as many
// calls of the provider.
async function failed(id, words, failure) {
  const told = await node.explain(id);
  const wanted = [[1, failure, false], [2, failure, true]].slice(0, ONCE_MORE.includes(failure) ? 2 : 1);
  assert.deepEqual(told.attempts.map((a) => [a.number, a.class, a.again]), wanted, words?.text);
  assert.equal(told.request.attempts, wanted.length);
  if (words) await provider.callsOf(words, wanted.length);
  return told;
}

// Each as a stream and whole: what the caller is told, and what the rows say.
const REFUSALS = [
  ["a bad request", "body=invalid", 400, "provider-refused", "malformed"],
  ["a context that is too long", "body=context", 400, "provider-refused", "context-length"],
  ["a content policy", "body=policy", 400, "provider-refused", "policy"],
  ["a bad key", "body=key", 502, "upstream-failed", "auth"],
  ["a key without rights", "body=forbidden", 502, "upstream-failed", "auth"],
  ["a model it does not know", "body=model", 502, "upstream-failed", "not-found"],
  ["a rate", "body=rate retry_after=3", 503, "upstream-rate-limited", "rate-limited"],
  ["a quota", "body=quota", 429, "upstream-quota-exhausted", "quota-exhausted"],
  ["an unpaid bill", "body=billing", 429, "upstream-quota-exhausted", "quota-exhausted"],
  ["a fault of its own", "body=server", 502, "upstream-failed", "server-error"],
  ["overload", "body=overloaded", 503, "upstream-overloaded", "overloaded"],
  ["overload in Anthropic's words", "status=529 body=overloaded", 503, "upstream-overloaded", "overloaded"],
  ["a page of HTML", "status=502 body=html", 502, "upstream-failed", "server-error"],
  ["nothing", "status=500 body=empty", 502, "upstream-failed", "server-error"],
  ["a redirect", "redirect=http://127.0.0.1:1/", 502, "upstream-failed", "bad-body"],
];

// What is said of key or money closes the whole account at the egress: each
// such case takes an account of its own.
const OF_ACCOUNT = /body=(key|quota|billing)|status=401/;
const place = (way, script) => lab.fresh(way === "far" && OF_ACCOUNT.test(script) ? "alone" : way);

for (const [way, title] of WAYS) {
  story(`a provider's refusal is told as what it is, ${title}`, async () => {
    for (const [what, script, status, router, failure] of REFUSALS)
      for (const stream of [false, true]) {
        const words = provider.says(script);
        const error = await (await place(way, script)).refused(words, { stream });
        assert.deepEqual([error.status, error.router], [status, router], `${what}, stream ${stream}: ${error.message}`);
        assert.ok(error.error.type && error.error.message, what);
        assert.match(error.id, /^req_/);
        const vain = { "upstream-quota-exhausted": "false" }[router] ?? null;
        assert.equal(error.headers.get("x-should-retry"), vain, what);
        assert.equal(error.headers.has("retry-after"), status === 503 && !vain, what);
        const { request } = await failed(error.id, words, failure);
        assert.deepEqual([request.status, request.fail, request.state], [status, router, "settled"], what);
        assert.equal(request.output_tokens, 0, what);
      }
  });

  story(`Retry-After of a provider reaches the caller, ${title}`, async () => {
    const error = await (await lab.fresh(way)).refused(provider.refuses(429, "rate", "retry_after=7"));
    assert.equal(error.headers.get("retry-after"), "7");
  });

  story(`who comes within that time is told the rest of it, and nobody is called, ${title}`, async () => {
    const caller = await lab.fresh(way);
    await caller.refused(provider.refuses(429, "rate", "retry_after=100"));
    const words = provider.says();
    const error = await caller.refused(words);
    assert.deepEqual([error.status, error.router], [503, "upstream-rate-limited"]);
    // The wait is up to a tenth longer, so that not all come back at once.
    const rest = Number(error.headers.get("retry-after"));
    assert.ok(rest > 30 && rest <= 110, `${rest}`);
    assert.match(error.message, /backing-off \(rate, for \d+ ms more\)/);
    await provider.callsOf(words, 0);
    const { request, attempts, decision } = await node.explain(error.id);
    assert.deepEqual([request.attempts, request.cost_microusd, attempts], [0, 0, []]);
    assert.deepEqual(decision.candidates.map((c) => c.excluded), ["backing-off"]);
  });

  story(`what is no answer is never one, ${title}`, async () => {
    for (const script of ["garbage=1", "garbage=json", "garbage=html", "garbage=chunk", "die_before_answer=1",
      "header_flood=20000", "cut_after=0b", "cut_after=60b", "reset_after=0b", "cut_after=400b"])
      for (const stream of [false, true]) {
        if (stream && script === "garbage=json") continue; // that word spoils whole answers
        const words = provider.says(script);
        const error = await (await lab.fresh(way)).refused(words, { stream });
        assert.deepEqual([error.status, error.router], [502, "upstream-failed"], `${script}, stream ${stream}`);
        const { request, attempts } = await node.explain(error.id);
        assert.equal(request.fail, "upstream-failed");
        assert.match(attempts[0].class, /^(network|bad-body)$/);
        await failed(error.id, words, attempts[0].class);
      }
  });

  story(`a stream that is cut is never complete, wherever it is cut, ${title}`, async () => {
    const cuts = [
      ["cut_after=1", 1], ["cut_after=4", 4], ["reset_after=4", 4], ["cut_after=1000b", 1],
      ["error_in_stream=1 tokens=3 body=server", 3], ["garbage=sse", 0],
    ];
    for (const [script, heard] of cuts) {
      const words = provider.says(`tokens=8 interval_ms=5 ${script}`);
      const stream = await (await lab.fresh(way)).stream(words).end;
      assert.ok(stream.error, `${script}: ${stream.text}`);
      assert.ok(stream.text.split(" ").length - 1 <= 8);
      assert.ok(stream.chunks.every((chunk) => !chunk.choices[0]?.finish_reason), script);
      const { request, attempts } = await node.explain(stream.id);
      assert.notEqual(request.fail, "", script);
      assert.ok(request.status >= 500, script);
      if (heard > 0) {
        assert.equal(stream.text, Array.from({ length: stream.text.split(" ").length - 1 }, (_, i) => `t${i} `).join(""));
        assert.match(request.usage_source, /estimated|partial/, script);
        assert.ok(request.output_tokens > 0, script);
        // What was heard cannot be taken back, so nobody is asked again.
        assert.deepEqual(attempts.map((a) => a.again), [false], script);
        await provider.callOf(words);
      }
    }
  });

  story(`a failure before the first word is an error of its own, not a stream, ${title}`, async () => {
    const words = provider.says("tokens=0 error_in_stream=1 body=server");
    const error = await (await lab.fresh(way)).refused(words, { stream: true });
    assert.equal(error.status, 502);
    assert.equal(error.router, "upstream-failed");
    await failed(error.id, words, "server-error");
  });

  story(`a stream without its marker is complete when it said why it finished, ${title}`, async () => {
    const stream = await (await lab.fresh(way)).stream(provider.says("tokens=3 no_done=1")).end;
    assert.equal(stream.error, null);
    assert.equal(stream.text, "t0 t1 t2 ");
    assert.equal((await node.explain(stream.id)).request.fail, "");
  });

  story(`silence ends: before the answer, in a stream, in an answer, ${title}`, async () => {
    const [silent, stuck, spoken] = [await lab.fresh(way), await lab.fresh(way), await lab.fresh(way)];
    const words = [provider.says("latency_ms=20000"), provider.stallsAfter("300b")];
    const [before, whole, stream] = await Promise.all([
      silent.refused(words[0]), stuck.refused(words[1]),
      spoken.stream(provider.stallsAfter(2, "tokens=8 interval_ms=5")).end,
    ]);
    for (const [i, error] of [before, whole].entries()) {
      assert.deepEqual([error.status, error.router], [504, "upstream-timeout"]);
      await failed(error.id, words[i], "timeout");
    }
    assert.equal(stream.text, "t0 t1 ");
    assert.ok(stream.error);
    const { request } = await node.explain(stream.id);
    assert.deepEqual([request.status, request.fail, request.attempts], [504, "upstream-timeout", 1]);
    assert.ok(request.output_tokens > 0);
    await until("no call stays open", async () => (await provider.count()).open_calls === 0);
  });

  story(`the whole request has an end too, ${title}`, async () => {
    const stream = await (await lab.fresh(way)).stream(provider.says("tokens=1000 interval_ms=100")).end;
    assert.ok(stream.error);
    assert.equal((await node.explain(stream.id)).request.fail, "upstream-timeout");
  });

  story(`a provider that cannot be reached is told so, and nothing is counted, ${title}`, async () => {
    for (const name of ["refusing", "nameless"]) {
      await lab.save();
      const error = await new Caller(node, app.token, way === "near" ? `own-${name}` : name).refused();
      assert.deepEqual([error.status, error.router], [502, "upstream-failed"], name);
      const { request, attempts } = await failed(error.id, null, "network");
      assert.deepEqual([request.cost_microusd, attempts.map((a) => a.status)], [0, [0, 0]], name);
    }
  });

  story(`an answer without usage is estimated and says so, ${title}`, async () => {
    const caller = await lab.fresh(way);
    for (const stream of [false, true]) {
      const words = provider.says("usage=none tokens=20");
      const id = stream ? (await caller.stream(words).end).id : (await caller.ask(words)).id;
      const { request } = await node.explain(id);
      assert.equal(request.usage_source, "estimated");
      assert.ok(request.input_tokens > 0 && request.output_tokens > 0 && request.cost_microusd > 0);
    }
  });

  story(`a used connection that dies before it answers costs an attempt, and the next one answers, ${title}`, async () => {
    const caller = await lab.fresh(way);
    const { answer, calls } = await until("a used connection died", async () => {
      await caller.ask(provider.says());
      await lab.save();
      const words = provider.says("die_on_reused=1 tokens=1");
      const answer = await caller.ask(words);
      const calls = await provider.calls(words);
      return calls[0].reused_connection && { answer, calls };
    });
    assert.equal(answer.text, "t0 ");
    assert.deepEqual(calls.map((call) => call.status), [0, 200]);
    const { request, attempts } = await node.explain(answer.id);
    assert.deepEqual(attempts.map((a) => [a.number, a.class, a.again]), [[1, "network", false], [2, "", true]]);
    assert.deepEqual([request.status, request.fail, request.attempts], [200, "", 2]);
  });
}

story("a key that a provider echoes goes no further", async () => {
  const keys = [lab.keys.openai, lab.keys.own];
  for (const [way] of WAYS) {
    const key = way === "near" ? lab.keys.own : lab.keys.openai;
    const message = `Incorrect API key provided: ${key}`;
    const raw = Buffer.from(JSON.stringify({ error: { message, type: "invalid_request_error", code: key } }));
    const post = async (script, more) => {
      const caller = await place(way, script);
      return caller.post(caller.body(provider.says(script), more));
    };
    const told = [
      await post(`status=400 body=b64:${raw.toString("base64")}`),
      await post(`status=401 body=b64:${raw.toString("base64")}`, { stream: true }),
      await post("echo=1"),
      await post("echo=1", { stream: true }),
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
      const caller = await place("far", script);
      const id = failure === "" ? (await caller.ask(words)).id : (await caller.refused(words, { stream })).id;
      const { attempts, receipts } = await until("each receipt", async () => {
        const told = await node.explain(id);
        return told.receipts.length === told.attempts.length && told;
      });
      assert.deepEqual(receipts.map((r) => r.class), attempts.map(() => failure), `${script}, stream ${stream}`);
      await failed(id, words, failure);
    }
  const seen = new Set((await egress.rows()).map((row) => row.class));
  for (const [, failure] of CLASSES) assert.ok(seen.has(failure), failure);
});

story("a wait that only the words state reaches the caller", async () => {
  const caller = await lab.fresh("far");
  await provider.ask("answers?type=application/json&status=429", { method: "POST", body: JSON.stringify({ error: {
    message: "Rate limit reached. Please try again in 6.2s.", type: "tokens", code: "rate_limit_exceeded" } }) });
  assert.equal((await caller.refused("hi")).headers.get("retry-after"), "7");
});

story("after all that node and egress agree", async () => {
  await until("receipts agree", async () => {
    const { code, out, err } = await node.verify();
    if (code !== 0) throw new Error(out + err);
    return true;
  });
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
});
