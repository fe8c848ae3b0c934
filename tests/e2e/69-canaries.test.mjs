// What is planted with callers, providers and operators is found in nothing
// that a member writes down or tells: no store, log, export, report, metric,
// answer of the operator listener, or backup.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { binary, Caller, exportBoth, mesh, run, story } from "./lab.mjs";

const lab = await mesh({ team: { cost_center: "4410" } });
const { egress, node, provider } = lab;
const MEMBERS = [egress, node];
const ROLES = ["report-admin", "metrics-admin", "token-admin", "capture-admin", "operator"];

const app = await node.caller("app", { groups: ["assistant", "own"], project: "checkout" });
const own = new Caller(node, app.token, "own");
const word = (what) => `canary-${what}-${process.hrtime.bigint()}`;
const prompt = word("prompt");
const tool = word("tool");
const refused = word("refused");
const stewards = new Map();
for (const member of MEMBERS) stewards.set(member, await member.steward("all", ROLES));

const planted = () => ({
  prompt, tool, refused, "caller's token": app.token, "its random part": app.token.slice(4),
  "the egress's admin token": stewards.get(egress), "the node's": stewards.get(node),
  "the provider's key": lab.keys.openai, "the node's own": lab.keys.own,
});

const filesUnder = (dir) => readdirSync(dir, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

// Which of what was planted is in there.
const found = (bytes) => Object.entries(planted()).filter(([, text]) => bytes.includes(text)).map(([what]) => what);
const foundIn = (dir) => filesUnder(dir).flatMap((file) => found(readFileSync(file)).map((what) => [file, what]));

story("traffic of all kinds carries what is planted", async () => {
  const tools = [{ type: "function", function: { name: "look", description: tool, parameters: { type: "object" } } }];
  for (const caller of [app, own]) {
    assert.match((await caller.ask({ text: `${prompt} [[sim echo=1]]` }, { tools })).text, new RegExp(prompt), "the provider says it again");
    await caller.stream({ text: `${prompt} [[sim echo=1]]` }).end;
    await caller.refused({ text: `${refused} [[sim status=400 body=invalid]]` });
    await caller.refused({ text: `${refused} [[sim garbage=json]]` });
    await caller.refused({ text: `${refused} [[sim status=401 body=key]]` });
  }
  await new Caller(node, `gsr_${"A".repeat(32)}`, "own").refused({ text: refused });
});

story("stores and logs have none of it", async () => {
  for (const member of MEMBERS) {
    assert.deepEqual(foundIn(member.state), []);
    assert.deepEqual(found(readFileSync(member.logFile)), []);
    assert.ok(filesUnder(member.state).some((file) => readFileSync(file).includes("payments")), "the search finds what is there");
  }
});

story("exports, reports and backups have none of it", async () => {
  for (const format of ["jsonl", "csv"])
    for (const dir of Object.values(await exportBoth(lab, "--format", format))) {
      assert.deepEqual(foundIn(dir), []);
      assert.ok(filesUnder(dir).some((file) => readFileSync(file).includes("payments")));
    }
  const dimensions = ["team", "cost_center", "project", "user", "caller", "group"].join(",");
  const others = ["target", "region", "client", "status", "fail", "price_book", "tags", "dialect"].join(",");
  for (const member of MEMBERS) {
    for (const by of [dimensions, others])
      for (const format of ["text", "markdown", "json", "csv"])
        for (const source of ["roll-ups", "rows"]) {
          const text = await member.says("report", "--by", by, "--format", format, "--source", source);
          assert.ok(text.length > 100, text);
          assert.deepEqual(found(text), []);
        }
    const copy = join(lab.place, `${member.name}-backup`);
    await member.says("backup", "--out", copy);
    assert.deepEqual(foundIn(copy), []);
  }
});

story("no answer of the operator listener has any of it, whoever asks", async () => {
  for (const member of MEMBERS) {
    const routes = JSON.parse((await run(binary(member.program), ["reference", "roles", "--json"])).out);
    let told = 0;
    for (const { method, path } of routes) {
      if (method !== "GET") continue;
      const whole = path.endsWith("/") && path.includes("explain") ? `${path}last` : path;
      for (const format of ["", "json"]) {
        const { status, text } = await member.admin(`${whole}${format && `?format=${format}`}`, { token: stewards.get(member) });
        assert.deepEqual(found(text), [], `${whole} ${status}`);
        told += status === 200;
      }
    }
    assert.ok(told > 20, `${told} answers`);
  }
});
