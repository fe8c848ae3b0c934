// One story for each fault that was found once, named after what it did.
import assert from "node:assert/strict";

import { mesh, story, until } from "./lab.mjs";

const lab = await mesh();
const { egress, link, node, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"] });

// The store's threads took the signal, which then had its default effect.
story("a signal before it serves neither kills nor is lost", async () => {
  for (const signal of ["SIGHUP", "SIGTERM"]) {
    await node.stop();
    const from = node.lines.length;
    node.launch();
    await until("it has begun", () => node.lines.slice(from).some((line) => line.includes("topology loaded")));
    node.child.kill(signal);
    if (signal === "SIGTERM") assert.deepEqual(await node.child.gone, { code: 0, signal: null });
    else await until("it reloads", () => node.lines.slice(from).filter((line) => line.includes("topology loaded")).length > 1);
    if (node.running) await node.stop();
    await node.start();
  }
});

// One worker's link was up, and the other half of the callers was refused.
story("ready means that every worker reaches the egress", async () => {
  for (let i = 0; i < 3; i++) {
    link.cut();
    await until("it is down", async () => (await node.admin("/readyz")).status === 503);
    await node.ready();
    const answers = await Promise.all(Array.from({ length: 12 }, () => app.ask(provider.says("tokens=1"))));
    assert.ok(answers.every((answer) => answer.text === "t0 "));
  }
});

// The loop still had a task of the link that was freed with it.
story("a member that ends while its link is busy ends well", async () => {
  for (const member of [node, egress]) {
    const streams = Array.from({ length: 8 }, () => app.stream(provider.says("tokens=20 interval_ms=10")));
    for (const stream of streams) await stream.heard(1);
    assert.deepEqual(await member.stop(), { code: 0, signal: null });
    for (const stream of streams) assert.equal((await stream.end).error, null);
    await member.start({ ready: false });
    await node.ready();
  }
});
