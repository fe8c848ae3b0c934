// What `get` shows, however much of it there is.
import assert from "node:assert/strict";
import http from "node:http";
import { join } from "node:path";

import { Load, mesh, run, story, until } from "./lab.mjs";
import { binary } from "./lab/program.mjs";

// Rows that the daemon gives at once, as common/store/page.h says.
const PAGE = 2000;

const lab = await mesh({ alone: 2 });
const { egress, node, provider } = lab;
const app = await node.caller("app", { groups: ["assistant", "own"], user: "ann", project: "checkout" });
const other = await node.caller("other", { groups: ["own"] });

const json = async (member, ...words) => JSON.parse(await member.says("get", "requests", "--json", ...words));
const ids = (rows) => rows.map((row) => row.id ?? `${row.request}/${row.number}`);
const load = () => new Load(Array.from({ length: 24 }, () => other), { streams: false, script: "tokens=1" });

const sorted = (rows) => ids(rows).toSorted().toReversed();
const once = (rows, what) => assert.equal(new Set(ids(rows)).size, rows.length, `${what}: a row comes twice`);

story("of more rows than a page none is shown twice and none is lost, while more are written", async () => {
  const traffic = load();
  await until("there are more than two pages", () => traffic.asked.length > 2 * PAGE + 200, 240_000);
  const before = await json(node, "--limit", "all");
  const during = await json(node, "--limit", "0");
  const calls = await json(egress, "--limit", "100000");
  await traffic.stop();
  const after = await json(node, "--limit", "all");

  for (const [rows, what] of [[before, "before"], [during, "during"], [calls, "calls"], [after, "after"]]) once(rows, what);
  assert.ok(before.length > 2 * PAGE, before.length);
  assert.ok(during.length >= before.length && after.length >= during.length);
  assert.deepEqual(ids(after), sorted(after));
  // What one has shown, the next one shows too; what is new is new.
  const later = new Set(ids(during));
  assert.deepEqual(ids(before).filter((id) => !later.has(id)), []);
  assert.equal(after.length, traffic.asked.length - traffic.failed.length);
  assert.deepEqual(traffic.failed, []);
});

story("a limit ends within a page, at its end and beyond it", async () => {
  const all = ids(await json(node, "--limit", "all"));
  for (const limit of [1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
    assert.deepEqual(ids(await json(node, "--limit", String(limit))), all.slice(0, limit));
  assert.deepEqual(ids(await json(node)), all.slice(0, 20));
  assert.deepEqual(ids(await json(node, "--before", all[4], "--limit", "3")), all.slice(5, 8));
  assert.deepEqual(ids(await json(node, "--after", all[4], "--limit", "all")), all.slice(0, 4));
});

// What GET answers on the control socket.
const control = (member, path) => new Promise((resolve, reject) => {
  http.get({ socketPath: join(member.state, "control.sock"), path }, (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (more) => (text += more)).on("end", () =>
      resolve({ status: answer.statusCode, type: answer.headers["content-type"], text }));
  }).on("error", reject);
});

story("programs page by what an answer says comes next", async () => {
  const all = ids(await json(node, "--limit", "all"));
  let path = "/admin/requests?format=page&limit=1500", rows = [];
  for (let next = "", page; next !== null; next = page.next) {
    const { status, type, text } = await control(node, path + (next && `&before=${next}`));
    assert.deepEqual([status, type], [200, "application/json"]);
    page = JSON.parse(text);
    rows.push(...page.rows);
  }
  assert.deepEqual(ids(rows), all);
  const at = encodeURIComponent(rows[2].received_at);
  const early = JSON.parse((await control(node, `/admin/requests?format=json&to=${at}&limit=1`)).text);
  assert.ok(early[0].id < rows[2].id, early[0].id);
  const wrong = await control(node, "/admin/requests?format=json&fail=client%2dgon");
  assert.deepEqual([wrong.status, wrong.text], [400, "no row has 'client-gon' as its error; is it 'client-gone'?\n"]);
  assert.equal((await control(node, "/admin/requests?format=xml")).status, 400);
});

// RFC 4180: quoted cells have their quotes doubled.
const cells = (line) => [...line.matchAll(/("((?:[^"]|"")*)"|[^,]*)(,|$)/g)].slice(0, -1)
  .map(([, cell, quoted]) => (quoted ?? cell).replaceAll('""', '"'));

story("all formats say the same, and text is one table", async () => {
  const want = await json(node, "--limit", String(PAGE + 5));
  const says = (format) => node.says("get", "requests", "--limit", String(PAGE + 5), "--format", format);
  assert.deepEqual((await says("jsonl")).trimEnd().split("\n").map((line) => JSON.parse(line)), want);
  assert.deepEqual(JSON.parse(await says("json")), want);

  const [head, ...lines] = (await says("csv")).trimEnd().split("\n");
  const names = head.split(",");
  assert.deepEqual(names, Object.keys(want[0]));
  assert.equal(lines.length, want.length);
  const first = Object.fromEntries(cells(lines[0]).map((cell, i) => [names[i], cell]));
  assert.deepEqual([first.id, first.caller, first.status, first.received_at], [want[0].id, "other", "200", want[0].received_at]);

  const [heading, ...rows] = (await says("text")).trimEnd().split("\n");
  assert.match(heading, /^id +received +caller +group /);
  assert.deepEqual(rows.map((row) => row.split(" ")[0]), ids(want));
  assert.ok(rows.every((row) => row.slice(0, row.indexOf("Z")).length === rows[0].indexOf("Z")));
});

story("the store says without a daemon what the daemon said", async () => {
  const want = [await json(node, "--limit", "all"), await json(egress, "--limit", "all")];
  await node.stop();
  await egress.stop();
  assert.deepEqual([await json(node, "--limit", "all"), await json(egress, "--limit", "all")], want);
  assert.deepEqual(await json(node, "--caller", "app"), []);
  await egress.start();
  await node.start();
});

story("each filter lets pass what it is for", async () => {
  const marked = await app.ask(provider.says("tokens=1"), { model: "assistant" });
  const slow = await app.ask(provider.says("tokens=1 latency_ms=1200"), { model: "own" });
  const refused = await app.refused(provider.says(), { model: "nobody" });
  const found = async (...words) => ids(await json(node, "--limit", "all", ...words));
  const mine = [refused.id, slow.id, marked.id];
  assert.deepEqual(await found("--caller", "app"), mine);
  assert.deepEqual(await found("--user", "ann"), mine);
  assert.deepEqual(await found("--project", "checkout"), mine);
  assert.deepEqual(await found("--group", "assistant"), [marked.id]);
  assert.deepEqual(await found("--target", "own/gpt-oss", "--caller", "app"), [slow.id]);
  assert.deepEqual(await found("--egress", "central"), [marked.id]);
  assert.deepEqual(await found("--status", "4xx"), [refused.id]);
  assert.deepEqual(await found("--status", String(refused.status)), [refused.id]);
  assert.deepEqual(await found("--fail", "any"), [refused.id]);
  assert.deepEqual(await found("--fail", refused.router), [refused.id]);
  assert.deepEqual(await found("--slow", "1s", "--caller", "app"), [slow.id]);
  assert.deepEqual(await found("--ended", "interrupted"), []);
  assert.deepEqual(await found("--caller", "app", "--since", "1h"), mine);
  const { received_at: at } = (await json(node, "--group", "assistant"))[0];
  assert.deepEqual(await found("--caller", "app", "--to", at), []);
  assert.deepEqual(await found("--from", at), mine);
  assert.deepEqual(await found("--from", at, "--dialect", "messages"), []);

  const [call] = await json(egress, "--target", "openai/gpt-5-mini");
  assert.equal(call.request, marked.id);
  for (const words of [["--origin", "payments"], ["--team", "payments"], ["--status", "2xx"], ["--group", "assistant"]])
    assert.equal((await json(egress, ...words))[0].request, marked.id, words.join(" "));
  for (const words of [["--status", "5xx"], ["--slow", "1h"], ["--team", "search"], ["--ended", "resettled"]])
    assert.deepEqual(await json(egress, ...words), [], words.join(" "));
});

story("what cannot be meant is told, with what was meant", async () => {
  for (const [words, why] of [
    [["--fail", "client-gon"], /is it 'client-gone'\?/],
    [["--ended", "setled"], /is it 'settled'\?/],
    [["--status", "20"], /404, or 5xx/],
    [["--slow", "5"], /500ms, 5s/],
    [["--from", "soon"], /2026-11-26T07:00:00Z/],
    [["--format", "xml"], /text, json, jsonl or csv/],
    [["--json", "--format", "csv"], /one of them/],
    [["--limit", "some"], /or all/],
    [["--before", "req_1"], /by its id/],
  ]) {
    const { code, out, err } = await node.tries("get", "requests", ...words);
    assert.deepEqual([code, out], [2, ""], words.join(" "));
    assert.match(err, why);
  }
  const { code, err } = await node.tries("get", "requests", "--group", "asistant");
  assert.equal(code, 0);
  assert.equal(err, "nothing has group 'asistant' here; is it 'assistant'?\n");
  assert.equal((await node.tries("get", "requests", "--group", "spare")).err, "");
  assert.match((await node.tries("get", "events", "--kind", "target-disable")).out, /^at /);
});

story("events come in pages, too", async () => {
  for (let i = 0; i < 3; i++) {
    await node.says("targets", "disable", "own/gpt-oss", "--why", `no ${i}`);
    await node.says("targets", "enable", "own/gpt-oss");
  }
  const events = async (...words) => JSON.parse(await node.says("get", "events", "--json", "--limit", "all", ...words));
  const all = await events();
  assert.equal(all.length, 6);
  assert.deepEqual((await events("--kind", "target-disabled")).map((event) => event.detail), ["no 2", "no 1", "no 0"]);
  assert.deepEqual(await events("--to", all[3].at), all.slice(4));
  assert.equal((await node.says("get", "events", "--format", "csv", "--limit", "2")).trimEnd().split("\n").length, 3);
  const { err } = await node.tries("get", "events", "--kind", "target-disable");
  assert.match(err, /is it 'target-disabled'\?/);
});

story("an egress tells of each target and account whether it is called, and why not", async () => {
  const targets = async () => Object.fromEntries(JSON.parse(await egress.says("get", "targets", "--json"))
    .map((t) => [`${t.account}/${t.model}`, t]));
  const alone = await node.caller("alone", { groups: ["alone-0", "alone-1"] });
  assert.deepEqual([(await targets())["alone-0/m"].state, (await targets())["alone-0/m"].attempts], ["ok", 0]);
  await alone.ask(provider.says("tokens=1"), { model: "alone-1" });
  await alone.refused(provider.says("status=429 body=rate retry_after=300"), { model: "alone-0" });
  await alone.refused(provider.says("status=402 body=empty"), { model: "alone-1" });
  const now = await targets();
  assert.deepEqual([now["alone-0/m"].state, now["alone-0/m"].backoff, now["alone-0/m"].by_account], ["backing-off", "rate", false]);
  assert.ok(Date.parse(now["alone-0/m"].until) - Date.now() > 200e3 && now["alone-0/m"].wait_us > 200e6);
  assert.equal(now["alone-0/"].state, "ok");
  assert.deepEqual([now["alone-1/"].state, now["alone-1/m"].state, now["alone-1/m"].by_account], ["backing-off", "backing-off", true]);
  assert.ok(now["alone-1/m"].attempts >= 1 && now["alone-1/m"].total_p50_us > 0, JSON.stringify(now["alone-1/m"]));
  const text = await egress.says("get", "targets");
  assert.match(text, /^alone-0 +m +backing-off +rate +- /m);
  assert.match(text, /^alone-1 +m +backing-off +\S+ +account /m);
  assert.match(text, /^alone-1 +\(all\) +backing-off /m);
});

story("a node tells of each token when it was used and what is left of it", async () => {
  await lab.topology.change("node/payments.yaml", (file) => {
    file.tiers = { small: { limits: { rpm: 60, concurrent: 5 }, budget: { month_requests: 40, day_requests: 4 } } };
  });
  assert.equal((await node.reload()).why, "");
  const callers = async (...words) => JSON.parse(await node.says("get", "callers", "--json", ...words));
  const agent = await node.caller("agent", { groups: ["own"], user: "bob", project: "search", tier: "small" });
  const [fresh] = await callers("--caller", "agent");
  assert.deepEqual([fresh.state, fresh.last_seen, fresh.groups, fresh.running], ["active", null, ["own"], 0]);

  const from = Date.now();
  const held = agent.stream(provider.says("tokens=60 interval_ms=50"));
  await held.heard(1);
  const [busy] = await callers("--caller", "agent");
  assert.equal(busy.running, 1);
  assert.ok(Date.parse(busy.last_seen) >= from - 1000 && Date.parse(busy.last_seen) <= Date.now(), busy.last_seen);
  assert.ok(busy.limits.rpm.remaining < 60, JSON.stringify(busy.limits));
  held.hangUp();
  await agent.ask(provider.says("tokens=1"));
  await until("both are counted", async () => (await callers("--caller", "agent"))[0].spent.month.requests === 2);
  const text = await node.says("get", "callers", "--project", "search");
  assert.match(text, /^agent +active +bob +search +small +2\S+Z +- +0 +\d+\/60 +- +day_requests 50%$/m);
  // Who came last stands first.
  assert.deepEqual((await callers()).map((c) => c.name).slice(0, 1), ["agent"]);
  assert.deepEqual((await callers("--tier", "small")).map((c) => c.name), ["agent"]);

  await node.says("token", "revoke", "agent");
  assert.deepEqual(await callers("--user", "bob"), []);
  const refused = await agent.refused(provider.says());
  assert.equal(refused.router, "token-revoked");
  const [revoked] = await callers("--in", "revoked");
  assert.deepEqual([revoked.name, revoked.state, revoked.limits], ["agent", "revoked", null]);
  assert.ok(Date.parse(revoked.last_seen) >= Date.parse(revoked.revoked), JSON.stringify(revoked));
  assert.equal((await callers("--in", "all")).length, (await callers()).length + 1);

  const { code, err } = await node.tries("get", "callers", "--caller", "agnt");
  assert.deepEqual([code, err], [1, "no such token is named 'agnt'; is it 'agent'?\n"]);
  assert.match((await node.tries("get", "callers", "--in", "activ")).err, /did you mean 'active'\?/);
});

story("a node that starts again remembers who came", async () => {
  const seen = async (name) => JSON.parse(await node.says("get", "callers", "--json", "--caller", name))[0].last_seen;
  await app.ask(provider.says("tokens=1"), { model: "own" });
  const before = await seen("app");
  await node.stop();
  await node.start();
  assert.equal(await seen("app"), before);
});

story("a shell completes what there is to get", async () => {
  for (const [program, here] of [["gsr-node", ["callers", "links", "requests"]], ["gsr-egress", ["capacity", "links", "requests"]]]) {
    const completes = async (...words) => {
      const script = `. <(${binary(program)} completion bash); COMP_WORDS=(${program} ${words.map((w) => `'${w}'`).join(" ")}); ` +
        `COMP_CWORD=${words.length}; _${program.replace("-", "_")}; echo "\${COMPREPLY[@]}"`;
      const { code, out, err } = await run("bash", ["-c", script]);
      assert.deepEqual([code, err], [0, ""]);
      return out.trim().split(" ");
    };
    const whats = await completes("get", "");
    for (const what of here) assert.ok(whats.includes(what), `${program}: ${whats}`);
    const { out } = await run(binary(program), ["get", "--help"]);
    for (const what of whats) assert.match(out, new RegExp(`^ {2}get ${what} +\\w`, "m"));
    assert.deepEqual(await completes("get", "requests", "--wa"), ["--watch"]);
    assert.deepEqual(await completes("ser"), ["serve"]);
  }
});
