// A policy's way from a file to the lines of its group: checked, compiled,
// tried in the sandbox. No daemon is needed for any of it.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { binary, makePlace, run } from "./lab/program.mjs";

const EXAMPLES = new URL("../../docs/examples/policies/", import.meta.url).pathname;
const policy = (...args) => run(binary("gsr-node"), ["policy", ...args]);

// A file of this test's own.
function file(name, text) {
  const path = join(makePlace(), name);
  writeFileSync(path, text);
  return path;
}

const ts = (body) => file("p.ts", `import type { Decision, Input } from "gsr-policy";
export default function route(input: Input): Decision {
  ${body}
}
`);

test("the example passes its own cases", async () => {
  const { code, out, err } = await policy("test", join(EXAMPLES, "cheapest-fit.ts"), join(EXAMPLES, "cheapest-fit.cases.yaml"));
  assert.equal(err, "");
  assert.match(out, /\n\d+ passed, 0 failed\n$/);
  assert.doesNotMatch(out, /not ok/);
  assert.equal(code, 0);
});

test("a policy is compiled to one file that says what it was made of", async () => {
  const source = ts("return input.targets.map((t) => t.target);");
  const built = await policy("build", source);
  assert.equal(built.code, 0, built.err);
  const hash = /^ {4}strategy: script\n {4}script: \{file: policies\/p\.js, hash: "([0-9a-f]{64})", fallback: failover\}\n$/;
  assert.match(built.out, hash);
  const js = readFileSync(source.replace(/ts$/, "js"), "utf8");
  assert.match(js, /^\/\/ gsr-policy 1 source=[0-9a-f]{64} typescript=\d+\.\d+\.\d+\n/);
  assert.match(js, /export default function route\(input\)/);
  // The same source, the same file, wherever it goes.
  const elsewhere = join(makePlace(), "other.js");
  const again = await policy("build", source, "--out", elsewhere);
  assert.equal(readFileSync(elsewhere, "utf8"), js);
  assert.equal(hash.exec(built.out)[1], /hash: "(\w+)"/.exec(again.out)[1]);
});

test("what the types do not allow is refused with its place", async () => {
  const source = ts("console.log(1);\n  return input.targets.map((t) => t.prize);");
  const { code, out, err } = await policy("build", source);
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.match(err, /p\.ts:3:3: error TS\d+: Cannot find name 'console'/);
  assert.match(err, /p\.ts:4:37: error TS\d+: Property 'prize' does not exist on type 'Target'/);
  assert.throws(() => readFileSync(source.replace(/ts$/, "js")), /ENOENT/);
});

test("what compiles but cannot be a policy is refused", async () => {
  for (const [text, why] of [
    ["export function route() {}", /it has no function as its default export/],
    ["export default 5;", /it has no function as its default export/],
    ["throw new Error('at once');", /Error: at once \(at <anonymous> \(p\.js:/],
    ["for (;;);", /its time was up/],
    ["export default await Promise.resolve(() => []);", /awaits at its top level/],
  ]) {
    const { code, err } = await policy("build", file("p.ts", `${text}\nexport {};\n`));
    assert.equal(code, 1);
    assert.match(err, /^p\.js does not load: /);
    assert.match(err, why);
  }
});

test("every way to fail can be wanted by a case", async () => {
  const source = file("p.js", `export default function route({ request: { user }, targets }) {
  if (user === "threw") throw new TypeError("as told");
  if (user === "timeout") for (;;);
  if (user === "memory") return new ArrayBuffer(1e9);
  if (user === "not-json") return undefined;
  if (user === "not-allowed") return ["no/such"];
  return { order: [targets[0].target], note: "first" };
}
`);
  const words = ["threw", "timeout", "memory", "not-json", "not-allowed"];
  const of = (user, expect) => `- {name: ${user}, request: {user: ${user}}, targets: [{target: a/x}], expect: ${expect}}\n`;
  const right = file("cases.yaml", words.map((word) => of(word, `{error: ${word}}`)).join("") + of("fine", "{order: [a/x]}"));
  const passed = await policy("test", source, right);
  assert.equal(passed.err, "");
  assert.match(passed.out, /\n6 passed, 0 failed\n$/);
  assert.equal(passed.code, 0);

  const wrong = file("cases.yaml", words.map((word) => of(word, "{first: a/x}")).join("") + of("fine", "{error: threw}"));
  const failed = await policy("test", source, wrong, "--json");
  assert.equal(failed.code, 1);
  const { passed: good, failed: bad, cases } = JSON.parse(failed.out);
  assert.deepEqual([good, bad], [0, 6]);
  assert.deepEqual(cases.map(({ got }) => got), [
    "an error: threw: TypeError: as told (at route (p.js:2:44))",
    "an error: timeout: its time was up",
    "an error: memory: it ran out of memory",
    "an error: not-json: it returned undefined",
    "an error: not-allowed: its answer names 'no/such', which is not among the eligible targets",
    "a/x",
  ]);
  const shown = await policy("test", source, wrong);
  assert.match(shown.out, /not ok fine\n {7}wanted {2}an error: threw\n {7}got {5}a\/x\n/);
});

test("a mistake in the cases is told with its place", async () => {
  const cases = file("cases.yaml", "- name: a\n  targets: [{target: a/x, qualty: 1}]\n  expect: {first: b/y}\n");
  const { code, out, err } = await policy("test", join(EXAMPLES, "cheapest-fit.ts"), cases);
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.match(err, /cases\.yaml:2:27: unknown key 'qualty'; is it 'quality'\?/);
  assert.match(err, /cases\.yaml:3:19: this is none of the case's targets/);
});

test("the compiler that is told is the one that runs", async () => {
  const source = ts("return input.targets.map((t) => t.target);");
  const none = await policy("build", source, "--tsc", "/nowhere/tsc");
  assert.equal(none.code, 1);
  assert.match(none.err, /^\/nowhere\/tsc: No such file or directory\n/);
  const other = await policy("build", source, "--tsc", "/bin/true");
  assert.equal(other.code, 1);
  assert.match(other.err, /\/bin\/true does not tell its version/);
});

test("the types are printed as the build has them", async () => {
  const { code, out } = await policy("types");
  assert.equal(code, 0);
  assert.equal(out, readFileSync(new URL("../../node/policy/policy.d.ts", import.meta.url), "utf8"));
});
