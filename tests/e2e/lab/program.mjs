// program: the product's binaries and how they are run.  Whatever a test
// starts dies with it, also when it fails or is ended from outside.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../../../", import.meta.url).pathname;
const BIN = process.env.GSR_BIN ?? join(ROOT, "build/release/bin");

const alive = new Set();
const places = new Set();

// Sanitizers keep freed memory for a while.
export const sanitized = /asan|tsan/.test(BIN);

export const binary = (name) => join(BIN, name);

function leave() {
  for (const child of alive) child.kill("SIGKILL");
  if (!process.env.GSR_KEEP) for (const place of places) rmSync(place, { recursive: true, force: true });
}

process.on("exit", leave);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

// A directory of this test's own.  Short: a unix socket's path has to fit.
export function makePlace() {
  const place = mkdtempSync(join(tmpdir(), "gsr-"));
  places.add(place);
  return place;
}

// A process that runs until it is ended.
export function launch(path, args, options = {}) {
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  alive.add(child);
  child.gone = new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      alive.delete(child);
      resolve({ code, signal });
    });
    child.once("error", (error) => {
      alive.delete(child);
      resolve({ code: null, signal: null, error });
    });
  });
  return child;
}

// A command to its end: { code, out, err }.
export async function run(path, args, input = "") {
  const child = launch(path, args, { stdio: ["pipe", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (said.out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (said.err += text));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [end] = await Promise.all([child.gone, new Promise((ok) => child.once("close", ok))]);
  return { code: end.code ?? end.signal, ...said };
}

// The same, of a command that has to do well; gives what it printed.
export async function must(path, args, input) {
  const { code, out, err } = await run(path, args, input);
  if (code !== 0) throw new Error(`${path} ${args.join(" ")}\nended with ${code}: ${err}${out}`);
  return out;
}
