// The program under test: started before the tests of a file, ended after, and asked over HTTP.
// SIM names the binary; by default the release build's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach } from "node:test";

const SIM = process.env.SIM ?? new URL("../../build/release/bin/sim", import.meta.url).pathname;
export const LOG = join(mkdtempSync(join(tmpdir(), "sim-")), "log");
export let port;
let sim;

before(async () => {
  sim = spawn(SIM, ["--log", LOG], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((ok) => sim.stdout.once("data", ok));
  port = JSON.parse(line).port;
});

after(async () => {
  sim.kill("SIGTERM");
  const code = await new Promise((ok) => sim.once("exit", ok));
  assert.equal(code, 0);
});

beforeEach(() => control("POST", "/sim/reset"));

export const url = (path) => `http://127.0.0.1:${port}${path}`;

export async function control(method, path, body) {
  const answer = await fetch(url(path), { method, body });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}

export const script = (words) => control("POST", "/sim/script", words);
export const calls = async () => JSON.parse(await control("GET", "/sim/calls"));
export const post = (path, body, headers = {}) =>
  fetch(url(path), {
    method: "POST", body: JSON.stringify(body), redirect: "manual",
    headers: { "content-type": "application/json", ...headers },
  });
