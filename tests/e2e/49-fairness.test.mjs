// One account, shared in turn: who asks for a hundred times as much as others
// gets its part and no more, who asks for little waits for few, and who is
// alone has all of it.
import assert from "node:assert/strict";

import { mesh, PRICE, story, until } from "./lab.mjs";

const RPM = 900;
const LIGHT = 2; // under way at a time
const HEAVY = 100;
const LIGHT_TOKENS = 100; // in, and out
const HEAVY_TOKENS = 200;
const SERVED = 24; // of the light one, in each story
const JAIN = 0.95;
// In one line, first in first out, they would be half a hundred.
const BEFORE_MOST = 8;

// What each account lets in is far less than is asked for: by starts, or by
// tokens.
const STARTS = { rpm: RPM, burst: 1, queue: "5m", queue_depth: 10_000 };
const TOKENS = { tpm: RPM * 300, token_burst: 500, queue: "5m", queue_depth: 10_000 };
const account = (at, type, shaping, secret) => ({ type, base_url: at.url, api_key: `secret/${secret}`, shaping, models: { m: { price: PRICE } } });
const SHARED = { equal: STARTS, heavier: STARTS, lighter: STARTS, tokens: TOKENS, within: STARTS, alone: STARTS };

const lab = await mesh({
  teams: ["payments", "risk"], grants: Object.keys(SHARED).map((name) => `${name}/m`),
  providers: (at) => Object.fromEntries(Object.entries(SHARED).map(([name, shaping]) => [name, account(at, "openai", shaping, "openai")])),
  upstreams: (at) => ({ near: account(at, "vllm", STARTS, "own") }),
  groups: Object.fromEntries([...Object.keys(SHARED), "near"].map((name) => [name, { strategy: "static", targets: [`${name}/m`] }])),
});
const { egress, provider, topology } = lab;
const { payments, risk } = lab.nodes;
const GROUPS = [...Object.keys(SHARED), "near"];
const heavyCaller = await payments.caller("heavy", { groups: GROUPS });
const lightCaller = await risk.caller("light", { groups: GROUPS });
const beside = await payments.caller("beside", { groups: GROUPS });

// So many requests under way all the time, each of so many tokens in and out.
class Crowd {
  answers = { 200: 0 };
  leave = new AbortController();

  constructor(caller, group, count, tokens) {
    Object.assign(this, { caller, tokens, prompt: provider.says(`prompt=${tokens} tokens=1 completion=${tokens}`) });
    this.body = JSON.stringify({
      model: group, max_tokens: tokens, messages: [{ role: "user", content: this.prompt.text + " word".repeat(tokens - 60) }],
    });
    this.loops = Array.from({ length: count }, () => this.loop());
  }

  async loop() {
    while (!this.leave.signal.aborted) {
      try {
        const { status } = await fetch(`${this.caller.node.url}/v1/chat/completions`, {
          method: "POST", body: this.body, signal: this.leave.signal,
          headers: { authorization: `Bearer ${this.caller.token}`, "content-type": "application/json" },
        }).then(async (answer) => ({ status: answer.status, text: await answer.text() }));
        this.answers[status] = (this.answers[status] ?? 0) + 1;
      } catch (error) {
        if (!this.leave.signal.aborted) throw error;
      }
    }
  }

  async stop() {
    this.leave.abort();
    await Promise.all(this.loops);
  }
}

// The order in which both were served, from the light one's first to its last.
async function served(heavy, light) {
  const order = (await provider.calls()).map(({ tag }) => tag).filter((tag) => [heavy, light].some((crowd) => crowd.prompt.tag === tag));
  const marks = order.map((tag) => tag === light.prompt.tag);
  return marks.slice(marks.indexOf(true), marks.lastIndexOf(true) + 1);
}

const jain = (shares) => shares.reduce((a, b) => a + b) ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0));

// Both ask all the time, the heavy one for a hundred times as much: it was
// first, and a long line is there.
async function shared(group, heavyOne, lightOne, [heavyWeight, lightWeight] = [1, 1]) {
  const heavy = new Crowd(heavyOne, group, HEAVY, HEAVY_TOKENS);
  await until("a line is there", async () => (await provider.calls(heavy.prompt)).length >= 5);
  const light = new Crowd(lightOne, group, LIGHT, LIGHT_TOKENS);
  await until("enough is served", async () => (await provider.calls(light.prompt)).length >= SERVED, 60_000);
  const order = await served(heavy, light);
  await Promise.all([heavy.stop(), light.stop()]);

  const lights = order.filter(Boolean).length;
  const shares = [(order.length - lights) * HEAVY_TOKENS / heavyWeight, lights * LIGHT_TOKENS / lightWeight];
  const how = `${order.map((mark) => (mark ? "l" : "H")).join("")}: ${shares}`;
  assert.ok(jain(shares) >= JAIN, `Jain's index ${jain(shares).toFixed(3)} of ${how}`);
  const before = Math.max(...how.split(":")[0].split("l").map((others) => others.length));
  assert.ok(before <= BEFORE_MOST, `${before} others before one of the light: ${how}`);
  for (const crowd of [heavy, light]) assert.deepEqual(Object.keys(crowd.answers), ["200"]);
}

async function weigh(heavy, light) {
  await topology.change("mesh.yaml", ({ teams }) => {
    teams.payments.weight = heavy;
    teams.risk.weight = light;
  });
  assert.equal((await egress.reload()).why, "");
}

story("two teams of one weight: each half of the tokens", () => shared("equal", heavyCaller, lightCaller));

story("what is let in by tokens is shared alike", () => shared("tokens", heavyCaller, lightCaller));

story("two callers of one team: each half of what it has", () => shared("within", heavyCaller, beside));

story("two callers at the team's own upstream: each half", () => shared("near", heavyCaller, beside));

story("weights: the heavy team has three parts of four", async () => {
  await weigh(3, 1);
  await shared("heavier", heavyCaller, lightCaller, [3, 1]);
});

story("weights: the light team has three parts of four, when it asks for them", async () => {
  await weigh(1, 3);
  await shared("lighter", heavyCaller, lightCaller, [1, 3]);
});

// By its weight it would have a hundredth, and wait for minutes.
story("who is alone has all of it", async () => {
  await weigh(1, 100);
  const began = Date.now();
  const crowd = new Crowd(heavyCaller, "alone", HEAVY, HEAVY_TOKENS);
  const count = 60;
  await until("enough is served", async () => (await provider.calls(crowd.prompt)).length >= count);
  const took_s = (Date.now() - began) / 1000;
  await crowd.stop();
  assert.ok(took_s >= (count - 2) * 60 / RPM, `no more than the account has: ${took_s} s`);
});

story("all who left the line are gone from it", async () => {
  for (const group of Object.keys(SHARED)) {
    const { id } = await Object.assign(Object.create(lightCaller), { model: group }).ask(provider.says());
    assert.equal((await risk.explain(id)).request.status, 200);
  }
  const events = await egress.events(50_000);
  assert.ok(events.some((event) => event.outcome === "gone"));
  assert.equal((await egress.counters()).gsr_upstream_shaped_total, events.length);
  for (const node of [payments, risk])
    await until("receipts agree", async () => (await node.verify()).code === 0);
});
