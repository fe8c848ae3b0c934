// Members and the wire between them: teams apart, strangers out, and requests
// whose other half dies.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";

import { Caller, mesh, open, run, speak, story, until } from "./lab.mjs";

const lab = await mesh({ teams: ["payments", "search"] });
const { egress, link, node, provider, topology } = lab;
const search = lab.nodes.search;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const own = new Caller(node, app.token, "own");
const other = await search.caller("other", { groups: ["assistant"] });

const words = (n) => Array.from({ length: n }, (_, i) => `t${i} `).join("");

story("two teams share an egress and see nothing of each other", async () => {
  const [mine, theirs] = [await app.ask(provider.says()), await other.ask(provider.says())];
  assert.equal((await egress.explain(mine.id)).attempts[0].team, "payments");
  assert.equal((await egress.explain(theirs.id)).attempts[0].team, "search");
  assert.notEqual((await node.tries("explain", theirs.id)).code, 0);
  assert.equal((await new Caller(search, app.token, "assistant").refused()).status, 401);
});

story("what the egress does not grant is refused, whatever the node's files say", async () => {
  const grant = (models) => topology.change("mesh.yaml", (file) => (file.teams.search.models = models));
  // The node keeps its old files, and the new catalog stays on the wire.
  link.hold();
  const groups = (edit) => topology.change("node/search.yaml", (file) => edit(file.groups));
  await groups((g) => delete g.assistant);
  await grant(["openai/gpt-5"]);
  assert.equal((await egress.reload()).why, "");
  const asked = provider.says();
  const refusal = other.refused(asked);
  await until("the egress has refused it", async () => (await egress.counters()).gsr_envelopes_refused_total > 0);
  link.heal();
  const error = await refusal;
  assert.deepEqual([error.status, error.router], [403, "team-not-allowed"]);
  assert.equal((await provider.calls(asked)).length, 0);
  const { request } = await search.explain(error.id);
  assert.deepEqual([request.status, request.fail, request.cost_microusd], [403, "team-not-allowed", 0]);
  // With the new catalog the node knows by itself.
  const later = await until("the catalog came", async () => {
    const again = await other.refused(provider.says());
    return again.router === "no-eligible-target" && again;
  });
  assert.equal(later.status, 502);
  await grant(["openai/gpt-5-mini"]);
  await groups((g) => (g.assistant = { strategy: "static", targets: ["openai/gpt-5-mini"] }));
  assert.equal((await egress.reload()).why, "");
  await until("it is granted again", async () => (await other.ask(provider.says("tokens=1"))).text === "t0 ");
});

story("an egress that is killed: the caller hears an error, the row says so, and all comes back", async () => {
  const streams = Array.from({ length: 4 }, () => app.stream(provider.says("tokens=200 interval_ms=25")));
  for (const stream of streams) await stream.heard(2);
  await egress.kill();
  for (const stream of streams) {
    await stream.end;
    assert.match(stream.error.message, /egress cannot be reached/);
    assert.ok(stream.text.length > 0 && words(200).startsWith(stream.text));
    const { request, attempts } = await node.explain(stream.id);
    assert.deepEqual([request.status, request.fail, request.state], [503, "egress-unreachable", "settled"]);
    assert.equal(request.usage_source, "estimated");
    assert.ok(request.output_tokens > 0);
    assert.equal(attempts[0].receipt, "none");
  }
  const asked = provider.says();
  const error = await app.refused(asked);
  assert.deepEqual([error.status, error.error.type, error.router], [503, "server_error", "egress-unreachable"]);
  assert.ok(Number(error.headers.get("retry-after")) >= 1);
  assert.equal((await provider.calls(asked)).length, 0);
  assert.equal((await own.ask(provider.says("tokens=1"))).text, "t0 ");
  assert.equal((await node.admin("/readyz")).status, 503);

  await egress.start();
  await node.ready();
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  for (const stream of streams) {
    const closed = await egress.explain(stream.id);
    assert.deepEqual([closed.attempts[0].state, closed.attempts[0].fail], ["interrupted", "interrupted"]);
    const told = await until("its receipt came late", async () => {
      const now = await node.explain(stream.id);
      return now.receipts.length > 0 && now;
    });
    assert.equal(told.attempts[0].receipt, "late");
    for (const column of ["input_tokens", "output_tokens", "cost_microusd"])
      assert.equal(told.request[column], closed.attempts[0][column], column);
  }
  await until("receipts agree", async () => (await node.verify()).code === 0);
});

story("a link that is cut ends the provider's calls, and both sides count the same", async () => {
  const asked = provider.says("tokens=400 interval_ms=25");
  const stream = app.stream(asked);
  await stream.heard(3);
  link.cut();
  await stream.end;
  assert.match(stream.error.message, /egress cannot be reached/);
  await until("the provider's call is given up", async () => (await provider.callOf(asked)).client_gone);
  await node.ready();
  await search.ready();
  const mine = await until("its receipt came", async () => {
    const told = await node.explain(stream.id);
    return told.receipts.length > 0 && told;
  });
  const theirs = await egress.explain(stream.id);
  for (const column of ["input_tokens", "output_tokens", "usage_source", "cost_microusd"])
    assert.equal(mine.request[column], theirs.attempts[0][column], column);
  assert.equal(mine.request.fail, "egress-unreachable");
  await app.ask(provider.says());
});

story("a link that is quiet for a while loses nothing", async () => {
  const stream = app.stream(provider.says("tokens=40 interval_ms=20"));
  await stream.heard(5);
  link.hold();
  await until("the provider is through", async () => (await provider.count()).open_calls === 0);
  assert.ok(!stream.over);
  link.heal();
  await stream.end;
  assert.equal(stream.error, null);
  assert.equal(stream.text, words(40));
});

story("bytes that no member sent end the link, not the members", async () => {
  const before = (await egress.counters()).gsr_links_down_total;
  const stream = app.stream(provider.says("tokens=400 interval_ms=25"));
  await stream.heard(2);
  link.inject(Buffer.from("170303001000112233445566778899aabbccddeeff", "hex"));
  await stream.end;
  assert.ok(stream.error);
  assert.ok((await egress.counters()).gsr_links_down_total > before);
  await node.ready();
  await until("it is as before", async () => (await app.ask(provider.says("tokens=1"))).text === "t0 ");
});

story("strangers at the link's port are counted, and get nowhere", async () => {
  const strangers = async () => (await egress.counters()).gsr_link_strangers_total;
  const place = join(lab.place, "stranger");
  const openssl = (...more) => run("openssl", ["s_client", "-connect", `127.0.0.1:${egress.port}`, "-tls1_3", "-ign_eof", ...more]);
  const made = await run("openssl", ["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=payments", "-days", "2",
    "-keyout", `${place}.key`, "-out", `${place}.crt`]);
  assert.equal(made.code, 0, made.err);

  let count = await strangers();
  for (const greet of [() => openssl(), () => openssl("-cert", `${place}.crt`, "-key", `${place}.key`)]) {
    await greet();
    count = await until("a stranger is counted", async () => {
      const now = await strangers();
      return now > count && now;
    });
  }
  assert.notEqual((await run("openssl", ["s_client", "-connect", `127.0.0.1:${egress.port}`, "-tls1_2"])).code, 0);
  for (const bytes of ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\0".repeat(64), Buffer.alloc(70_000, 0x16)]) {
    const { how } = await speak(egress.port, bytes);
    assert.notEqual(how, "open");
  }
  const silent = Array.from({ length: 100 }, () => open(egress.port, ""));
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  for (const socket of silent) socket.destroy();
});

story("who took a member's name without its key is a stranger", async () => {
  await search.stop();
  const kept = search.state;
  search.state = `${kept}-forged`;
  await lab.enroll(search, "--team", "search", "--parent", "central");
  await search.keep("own", lab.keys.own);
  const refused = await search.refusesToStart();
  assert.match(refused.why, /key/);
  search.state = kept;
  await search.start();
});

story("a revoked key is out at once, and for ever", async () => {
  const key = topology.files["mesh.yaml"].members.search.keys[0];
  const stream = other.stream(provider.says("tokens=400 interval_ms=25"));
  await stream.heard(2);
  for (const file of ["node/search.yaml", "node/search.lock"]) rmSync(topology.path(file));
  const { members, teams, ...rest } = structuredClone(topology.files["mesh.yaml"]);
  delete members.search;
  delete teams.search;
  topology.write("mesh.yaml", { ...rest, members, teams });
  await topology.sign({ more: ["--revoke", key] });
  assert.equal((await egress.reload()).why, "");
  await stream.end;
  assert.match(stream.error.message, /egress cannot be reached/);
  const error = await other.refused(provider.says());
  assert.equal(error.status, 503);
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
});
