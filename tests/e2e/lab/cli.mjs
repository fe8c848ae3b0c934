// cli: a command-line client, run by itself: a home and a working folder of
// its own, nothing of the user's environment, and no way out but loopback.
import { mkdirSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { launch, makePlace } from "./program.mjs";

const TIMEOUT_MS = 120_000;
// Clients are slow to start, and more of them at once are slower still.
const AT_ONCE = 2;
// Whatever is not loopback goes to a port where nobody listens.
const NOWHERE = "http://127.0.0.1:9";

const require = createRequire(import.meta.url);
const waiting = [];
let running = 0;

// A native binary inside an npm package of this machine's kind.
export function nativeOf(scope, name, ...path) {
  const folder = dirname(require.resolve(`${scope}/${name}-linux-${process.arch}/package.json`));
  return join(folder, ...path);
}

// { home, dir }: both empty.
export function makeHome() {
  const place = makePlace();
  const home = join(place, "home");
  mkdirSync(home);
  return { home, dir: mkdtempSync(join(place, "work-")) };
}

async function turn() {
  if (running >= AT_ONCE) await new Promise((ok) => waiting.push(ok));
  else running++;
}

function passOn() {
  const next = waiting.shift();
  if (next) next();
  else running--;
}

// Runs it to its end: { code, out, err, lines, events }, `events` being the
// lines that are JSON.
export async function runClient(path, args, { home, dir, env, timeout_ms = TIMEOUT_MS }) {
  await turn();
  try {
    return await toItsEnd(path, args, { home, dir, env, timeout_ms });
  } finally {
    passOn();
  }
}

async function toItsEnd(path, args, { home, dir, env, timeout_ms }) {
  const child = launch(path, args, {
    cwd: dir,
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", TERM: "dumb", TMPDIR: dirname(dir),
      HTTPS_PROXY: NOWHERE, HTTP_PROXY: NOWHERE, NO_PROXY: "127.0.0.1,localhost", ...env,
    },
  });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (said.out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (said.err += text));
  const late = setTimeout(() => child.kill("SIGKILL"), timeout_ms);
  const end = await child.gone;
  clearTimeout(late);
  if (end.signal) throw new Error(`${path} did not end in ${timeout_ms / 1000} s:\n${said.out}\n${said.err}`);
  const lines = said.out.split("\n").filter(Boolean);
  return { code: end.code, ...said, lines, events: lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)) };
}
