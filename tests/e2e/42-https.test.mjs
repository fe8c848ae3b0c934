// Callers come by HTTPS: all that holds for plain HTTP holds, and the
// certificate can be renewed.
import assert from "node:assert/strict";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import tls from "node:tls";

import { Authority, Caller, launch, mesh, speak, statuses, story, until } from "./lab.mjs";

const authority = await new Authority().make();
await authority.issue("first");
const lab = await mesh({ drain: 5, node: { tls: authority.paths, max_body: "64KiB" } });
const { node, provider, topology } = lab;
node.secure(authority);
const app = await node.caller("app", { groups: ["assistant", "own"] });
const own = new Caller(node, app.token, "own");

// Whom a new connection meets.
const shown = () =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ port: node.port, host: "127.0.0.1", ca: authority.text }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    }).on("error", reject);
  });

story("answers and streams come through TLS", async () => {
  for (const caller of [app, own]) {
    assert.equal((await caller.ask(provider.says("tokens=3"))).text, "t0 t1 t2 ");
    const heard = await caller.stream(provider.says("tokens=400")).end;
    assert.equal(heard.error, null);
    assert.equal(heard.text.split(" ").length, 401);
  }
  const many = await Promise.all(Array.from({ length: 40 }, (_, i) => app.stream(provider.says(`tokens=${50 + i}`)).end));
  assert.deepEqual(many.map((heard) => heard.text.split(" ").length - 1), many.map((_, i) => 50 + i));
});

story("the first word of a stream does not wait for the second", async () => {
  const stream = app.stream(provider.says("tokens=3 interval_ms=3000"));
  await stream.heard(1);
  assert.equal(stream.over, undefined);
  assert.equal(stream.text, "t0 ");
  await stream.hangUp();
});

story("who hangs up is noticed", async () => {
  const words = provider.says("tokens=1000 interval_ms=20");
  const stream = app.stream(words);
  await stream.heard(2);
  await stream.hangUp();
  const { request } = await until("the row is settled", async () => {
    const row = await node.explain(stream.id);
    return row.request.state === "settled" && row;
  });
  assert.equal(request.fail, "client-gone");
});

story("the SDK's own fetch is content with it", async () => {
  const script = `
    import OpenAI from "openai";
    const sdk = new OpenAI({ apiKey: process.argv[1], baseURL: process.argv[2] + "/v1", maxRetries: 0 });
    const body = { model: "assistant", messages: [{ role: "user", content: process.argv[3] }] };
    console.log((await sdk.chat.completions.create(body)).choices[0].message.content);
    let text = "";
    for await (const chunk of await sdk.chat.completions.create({ ...body, stream: true }))
      text += chunk.choices[0]?.delta?.content ?? "";
    console.log(text);`;
  const child = launch(process.execPath,
    ["--input-type=module", "-e", script, app.token, node.url, provider.says("tokens=2").text],
    { cwd: new URL(".", import.meta.url).pathname, env: { ...process.env, NODE_EXTRA_CA_CERTS: authority.file } });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (out += text));
  assert.equal((await child.gone).code, 0, out);
  assert.equal(out, "t0 t1 \nt0 t1 \n");
});

story("plain HTTP is closed, and not answered", async () => {
  const { bytes, how } = await speak(node.port, "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.notEqual(how, "open");
  assert.deepEqual(statuses(bytes), []);
});

story("framing is as strict as without TLS", async () => {
  const cases = JSON.parse(readFileSync(new URL("../golden/http/framing.json", import.meta.url), "utf8"));
  const bytesOf = (one) => one.send.map((piece) => (typeof piece === "string" ? piece : piece.repeat.repeat(piece.times))).join("");
  const sentinel = "GET /healthz HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n";
  const wrong = [];
  const tell = async (one) => {
    const sent = Buffer.from(bytesOf(one) + (one.open ? sentinel : ""), "latin1");
    const { bytes, how } = await speak(node.port, sent, { ca: authority.text });
    const got = one.by === "library" ? [...new Set(statuses(bytes))] : statuses(bytes);
    const most = Math.max(1, one.requests + (one.open ? 1 : 0));
    if ((one.requests === 0 && (got[0] ?? 0) !== one.status) || got.length > most || how === "open")
      wrong.push({ name: one.name, got, how, status: one.status, most });
  };
  const some = cases.filter((one) => one.status !== 408);
  for (let i = 0; i < some.length; i += 24) await Promise.all(some.slice(i, i + 24).map(tell));
  assert.deepEqual(wrong, []);
});

story("too much is refused in its own words", async () => {
  const large = await app.post(app.body("x".repeat(70_000)));
  assert.equal(large.status, 413);
  assert.equal(large.headers.get("x-router-error"), "request-too-large");
});

story("a renewed certificate is shown after a reload, and cuts no stream", async () => {
  assert.equal(await shown(), "first");
  const stream = app.stream(provider.says("tokens=60 interval_ms=50"));
  await stream.heard(1);
  await authority.issue("second");
  assert.equal((await node.reload()).refused, false);
  await until("all workers show it", async () => {
    for (let i = 0; i < 16; i++) if ((await shown()) !== "second") return false;
    return true;
  });
  assert.equal(stream.over, undefined);
  node.secure(authority);
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  const heard = await stream.end;
  assert.equal(heard.error, null);
  assert.equal(heard.text.split(" ").length, 61);
});

story("a bad pair is refused, and the good one stays", async () => {
  chmodSync(authority.paths.key, 0o644);
  const { refused, why } = await node.reload();
  assert.ok(refused);
  assert.match(why, /tls\.key .*node\.key: is open to everybody/);
  chmodSync(authority.paths.key, 0o600);
  rmSync(authority.paths.cert);
  assert.match((await node.reload()).why, /tls\.cert .*node\.crt: No such file/);
  assert.equal(await shown(), "second");
  assert.equal((await app.ask(provider.says("tokens=1"))).text, "t0 ");
  await authority.issue("third");
  assert.equal((await node.reload()).refused, false);
});

story("streams end well when the node does", async () => {
  const stream = app.stream(provider.says("tokens=20 interval_ms=100"));
  await stream.heard(1);
  assert.equal((await node.stop()).code, 0);
  const heard = await stream.end;
  assert.equal(heard.error, null);
  assert.equal(heard.text.split(" ").length, 21);
});

story("a node whose key anybody could read does not start", async () => {
  chmodSync(authority.paths.key, 0o604);
  const { code, why } = await node.refusesToStart();
  assert.notEqual(code, 0);
  assert.match(why, /tls\.key .*node\.key: is open to everybody; chmod o= it/);
  chmodSync(authority.paths.key, 0o600);
  await node.start();
  assert.equal(await shown(), "third");
});

story("a reload takes TLS away and brings it back, on the same port", async () => {
  await topology.change("node/payments.yaml", (file) => delete file.tls);
  assert.equal((await node.reload()).refused, false);
  await until("plain HTTP is answered", async () =>
    statuses((await speak(node.port, "GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).bytes)[0] === 401);
  await topology.change("node/payments.yaml", (file) => (file.tls = authority.paths));
  assert.equal((await node.reload()).refused, false);
  await until("TLS is spoken", async () => (await shown().catch(() => "")) === "third");
});
