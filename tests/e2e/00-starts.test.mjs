// A mesh starts, says who it is, and refuses what it must not run by.
import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { mesh, story, until } from "./lab.mjs";

const lab = await mesh({ start: false });
const { egress, node, topology } = lab;

story("a node is alive before its egress, ready after it, and says why not", async () => {
  await node.start({ ready: false });
  const waiting = await node.admin("/readyz");
  assert.equal(waiting.status, 503);
  assert.match(waiting.text, /no link/);
  assert.equal((await fetch(`${node.url}/healthz`)).status, 200);
  const public_ = await fetch(`${node.url}/readyz`);
  assert.equal(public_.status, 503);
  assert.doesNotMatch(await public_.text(), /link|egress|central/);
  await egress.start();
  await node.ready();
  assert.equal((await fetch(`${node.url}/readyz`)).status, 200);
});

story("members say which files they run by, only to operators", async () => {
  const [a, b] = [await node.version(), await egress.version()];
  assert.equal(a.member, "payments");
  assert.equal(a.mesh, "lab");
  assert.match(a.topology, /^[0-9a-f]{16}$/);
  assert.equal(a.mesh_version, 1);
  assert.equal(b.mesh_version, 1);
  assert.equal((await fetch(`${node.url}/version`)).status, 404);
  assert.equal((await node.admin("/admin/requests")).status, 401);
});

story("secrets of a state directory are its owner's", async () => {
  for (const member of [node, egress])
    for (const file of ["identity.key", "master.key", "vault"])
      assert.equal(statSync(join(member.state, file)).mode & 0o077, 0, `${member.name}/${file}`);
  assert.ok(!readFileSync(join(egress.state, "vault")).includes(lab.keys.openai));
  const listed = await egress.says("secret", "list");
  assert.match(listed, /openai/);
  assert.ok(!listed.includes(lab.keys.openai));
});

story("a directory is enrolled once, and used by one daemon", async () => {
  const key = readFileSync(join(node.state, "identity.key"), "utf8");
  const again = await node.tries("enroll", "--mesh", "lab", "--name", "payments", "--team", "payments",
    "--parent", "central", "--operator-key", lab.operator);
  assert.notEqual(again.code, 0);
  assert.match(again.err, /enrolled already/);
  assert.equal(readFileSync(join(node.state, "identity.key"), "utf8"), key);
  const second = await node.tries("serve", "--topology", topology.dir);
  assert.notEqual(second.code, 0);
  assert.match(second.err, /in use by a running daemon/);
  assert.equal((await node.admin("/readyz")).status, 200);
});

story("both end cleanly at a signal", async () => {
  for (const member of [node, egress]) assert.deepEqual(await member.stop(), { code: 0, signal: null });
});

// Each gets the folder as it was signed, and spoils it.
const spoilt = {
  "unsigned": [/mesh\.lock.*not there/s, () => rmSync(topology.path("mesh.lock"))],
  "altered": [/was changed/, () => topology.scribble("mesh.yaml", (text) => `${text}# a comment\n`)],
  "altered in its lock": [/no good signature/, () =>
    topology.scribble("mesh.lock", (text) => text.replace("version: 1", "version: 7"))],
  "the node's file altered": [/node\/payments\.yaml.*was changed/s, () =>
    topology.scribble("node/payments.yaml", (text) => text.replace("gpt-oss", "gpt-ohh"))],
  "signed by another operator": [/no good signature/, async () => {
    rmSync(topology.path("mesh.lock"));
    await topology.keygen("stranger");
    await topology.sign({ key: "stranger" });
  }],
};

for (const [what, [reason, spoil]] of Object.entries(spoilt))
  story(`a topology that is ${what} is refused at the start, with the reason`, async () => {
    const restore = topology.copy();
    await spoil();
    const { code, why } = await node.refusesToStart();
    restore();
    assert.equal(code, 1);
    assert.match(why, reason);
  });

story("a topology that is older than one that was seen is refused", async () => {
  const restore = topology.copy();
  await topology.change("egress/central.yaml", (file) => (file.max_body = "16MiB"));
  await egress.start();
  assert.equal((await egress.version()).mesh_version, 2);
  await egress.stop();
  const newer = topology.copy();
  restore();
  const { code, why } = await egress.refusesToStart();
  newer();
  assert.equal(code, 1);
  assert.match(why, /older|version/);
  await egress.start();
  await egress.stop();
});

story("a node cannot run by another team's grant, nor by a key that nobody listed", async () => {
  const restore = topology.copy();
  topology.write("node/payments.yaml", {
    ...topology.files["node/payments.yaml"],
    groups: { big: { strategy: "static", targets: ["openai/gpt-5"] } },
  });
  const { code, err } = await topology.trySign({ node: "payments" });
  assert.notEqual(code, 0);
  assert.match(err, /node\/payments\.yaml:\d+:\d+:.*may not use 'openai\/gpt-5'/s);
  restore();
});

story("a provider key that is not there is told before anything is served", async () => {
  await egress.says("secret", "remove", "openai");
  const { code, why } = await egress.refusesToStart();
  assert.equal(code, 1);
  assert.match(why, /secret named 'openai'/);
  await egress.keep("openai", lab.keys.openai);
  await egress.start();
  await until("it is ready", async () => (await egress.admin("/readyz")).status === 200);
});
