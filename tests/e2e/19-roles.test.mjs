// Who may ask what of the operator listener, and what the audit log has of it.
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";

import { Authority, mesh, run, speak, statuses, story, until } from "./lab.mjs";
import { binary } from "./lab/program.mjs";

const ROLES = ["report-admin", "metrics-admin", "token-admin", "capture-admin", "operator"];
const UID = `operator (uid ${process.getuid()})`;

const lab = await mesh({
  teams: ["payments", "search"],
  node: { projects: { checkout: { limits: { rpm: 6000 } }, fraud: { limits: { rpm: 6000 } } }, limits: { rpm: 60000 } },
});
const { egress, node, provider } = lab;
const search = lab.nodes.search;
const members = { node, egress };
const checkout = await node.caller("app", { groups: ["assistant", "own"], project: "checkout" });
const fraud = await node.caller("bot", { groups: ["assistant", "own"], project: "fraud" });
const seeker = await search.caller("seeker", { groups: ["assistant"] });

// The routes of a daemon, as the daemon itself has them.
async function routesOf(member) {
  const { code, out, err } = await run(binary(member.program), ["reference", "roles", "--json"]);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

// What a route of each kind needs, so that it would be answered.
const ids = {};
const whole = (path) => (path.endsWith("/") ? `${path}${ids.request}` : path);

story("each question is answered to its roles and to nobody else", async () => {
  ids.request = (await checkout.ask(provider.says("tokens=1"))).id;
  for (const [kind, member] of Object.entries(members)) {
    const routes = await routesOf(member);
    assert.ok(routes.length > 12, JSON.stringify(routes));
    const tokens = {};
    for (const role of ROLES) tokens[role] = await member.steward(`only-${role}`, role);
    const strangers = {
      none: undefined,
      "a caller's": checkout.token,
      nonsense: "gsra_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
      revoked: await member.steward("gone", ROLES),
      expired: await member.steward("late", ROLES, "--expires", "1s"),
    };
    await member.says("token", "revoke", "gone", ...(kind === "node" ? ["--admin"] : []));
    await until("it has expired", async () => /late +expired/.test(
      await member.says("token", "list", ...(kind === "node" ? ["--admin"] : []))));

    const wrong = [];
    const expected = []; // refusals: [status, action, actor]
    for (const route of routes) {
      const action = `${route.method} ${route.path}`;
      const ask = (token) => member.admin(whole(route.path), { method: route.method, token, body: route.method === "POST" ? "{}" : undefined });
      for (const [name, token] of Object.entries(strangers)) {
        const { status, text } = await ask(token);
        if (route.open ? ![200, 503].includes(status) : status !== 401) wrong.push([action, name, status, text]);
        if (!route.open) {
          assert.match(text, /^[^\n]+\n$/);
          expected.push(`401 ${action} ${name === "revoked" ? "gone" : name === "expired" ? "late" : ""}`);
        }
      }
      for (const [role, token] of Object.entries(tokens)) {
        const { status, text } = await ask(token);
        const may = route.open || route.roles.includes(role);
        if (may ? [401, 403, 404].includes(status) && !/no active|no group|lists ''|there is no hold|since this daemon started/.test(text) : status !== 403) wrong.push([action, role, status, text]);
        if (!may) {
          assert.ok(text.includes(role) && (route.roles.length === 0 || text.includes(route.roles[0])), text);
          expected.push(`403 ${action} only-${role}`);
        }
      }
    }
    assert.deepEqual(wrong, []);

    const refused = new Set((await member.audit("--outcome", "refused")).map((r) => `${r.status} ${r.action} ${r.actor}`));
    assert.deepEqual(expected.filter((row) => !refused.has(row)), []);
    assert.deepEqual([...refused].filter((row) => !expected.includes(row)), []);
    // A path that is none is told to nobody but those who are known.
    assert.equal((await member.admin("/admin/nothing")).status, 401);
    assert.equal((await member.admin("/admin/nothing", { token: tokens.operator })).status, 404);
  }
});

story("the table of roles has every role and no role holds another", async () => {
  for (const member of Object.values(members)) {
    const routes = await routesOf(member);
    for (const route of routes) for (const role of route.roles) assert.ok(ROLES.includes(role));
    // Whoever has any role may sign in and out.
    const of = (role) => routes.filter(({ path, roles }) => roles.includes(role) && path !== "/admin/session").map((route) => route.path);
    assert.deepEqual(of("metrics-admin"), ["/metrics", "/admin/counters"]);
    assert.ok(!of("operator").includes("/metrics") && !of("operator").includes("/admin/requests"));
    assert.ok(of("token-admin").every((path) => /tokens|callers/.test(path)));
    assert.ok(!of("report-admin").some((path) => /tokens|reload|disable|audit/.test(path)));
    const doc = await run(binary(member.program), ["reference", "roles"]);
    for (const role of ROLES) assert.ok(doc.out.includes(`| \`${role}\` |`));
  }
});

story("a report-admin sees the rows of its scope", async () => {
  const mine = (await checkout.ask(provider.says("tokens=1"))).id;
  const other = (await fraud.ask(provider.says("tokens=1"))).id;
  const far = (await seeker.ask(provider.says("tokens=1"))).id;
  await until("the egress has them", async () => {
    const there = (await egress.rows()).map((row) => row.request);
    return [mine, other, far].every((id) => there.includes(id));
  });
  const ask = async (member, path, token) => {
    const { status, text } = await member.admin(`${path}${path.includes("?") ? "&" : "?"}format=json`, { token });
    return status === 200 ? JSON.parse(text) : status;
  };

  const scoped = await node.steward("finance", "report-admin", "--project", "checkout", "--team", "payments");
  const rows = await ask(node, "/admin/requests?limit=1000", scoped);
  assert.ok(rows.length >= 2 && rows.every((row) => row.project === "checkout"), JSON.stringify(rows.map((r) => r.project)));
  assert.equal((await ask(node, `/admin/explain/${mine}`, scoped)).request.id, mine);
  assert.equal(await ask(node, `/admin/explain/${other}`, scoped), 404);
  const open = await node.steward("auditor", "report-admin");
  assert.equal((await ask(node, `/admin/explain/${other}`, open)).request.id, other);
  assert.deepEqual(new Set((await ask(node, "/admin/requests?limit=1000", open)).map((row) => row.project)), new Set(["checkout", "fraud"]));

  const holders = async (token) => (await ask(node, "/admin/limits", token)).holders.map(({ level, name }) => `${level} ${name}`);
  assert.deepEqual(await holders(scoped), ["project checkout"]);
  assert.deepEqual(new Set(await holders(open)), new Set(["node ", "project checkout", "project fraud", "caller app", "caller bot"]));

  // A node's rows are all of its team.
  const stranger = await node.steward("strange", "report-admin", "--team", "search");
  assert.equal(await ask(node, "/admin/requests", stranger), 403);
  const { text } = await node.admin("/admin/requests", { token: stranger });
  assert.match(text, /^this node is of team payments, which the admin token 'strange' is not for\n$/);

  const team = await egress.steward("payments-finance", "report-admin", "--team", "payments");
  const calls = await ask(egress, "/admin/requests?limit=1000", team);
  assert.ok(calls.length >= 2 && calls.every((row) => row.team === "payments"));
  assert.equal(await ask(egress, `/admin/explain/${far}`, team), 404);
  assert.equal((await ask(egress, `/admin/explain/${mine}`, team)).attempts[0].team, "payments");
  const limits = await ask(egress, "/admin/limits", team);
  assert.deepEqual(limits.holders.map((holder) => holder.name), ["payments"]);
  assert.deepEqual((await ask(egress, "/admin/limits", await egress.steward("all-finance", "report-admin"))).holders
    .map((holder) => holder.name).toSorted(), ["payments", "search"]);

  // Who also is an operator sees what an operator sees, and no more rows.
  await node.says("targets", "disable", "own/gpt-oss");
  await node.says("targets", "enable", "own/gpt-oss");
  assert.deepEqual(await ask(node, "/admin/events?kind=target-disabled", scoped), []);
  const both = await node.steward("both", ["report-admin", "operator"], "--project", "fraud");
  assert.equal((await ask(node, "/admin/events?kind=target-disabled", both)).length, 1);
  assert.ok((await ask(node, "/admin/requests?limit=1000", both)).every((row) => row.project === "fraud"));
  assert.equal(await ask(node, "/metrics", both), 403);
});

story("who sees some rows is told of no other's by the way a page goes on", async () => {
  // Both sides' rows lie between each other.
  for (let i = 0; i < 3; i++) {
    await checkout.ask(provider.says("tokens=1"));
    await fraud.ask(provider.says("tokens=1"));
    await seeker.ask(provider.says("tokens=1"));
  }
  const page = async (member, token, rest = "") => {
    const { status, text } = await member.admin(`/admin/requests?format=page&limit=1${rest}`, { token });
    return status === 200 ? JSON.parse(text) : text;
  };
  const through = async (member, token) => {
    const rows = [], nexts = [];
    for (let next = ""; next !== null; nexts.push(next)) {
      const got = await page(member, token, next && `&before=${next}`);
      rows.push(...got.rows);
      next = got.next;
    }
    return [rows, nexts.slice(0, -1)];
  };
  const finance = await node.steward("pager", "report-admin", "--project", "checkout");
  const team = await egress.steward("team-pager", "report-admin", "--team", "payments");
  const idOf = (row) => row.id ?? row.request;
  for (const [member, token, all] of [[node, finance, (row) => row.project === "checkout"], [egress, team, (row) => row.team === "payments"]]) {
    const want = (await member.rows()).filter(all).map(idOf).toSorted();
    const [rows, nexts] = await through(member, token);
    assert.deepEqual(rows.map(idOf).toSorted(), want);
    assert.ok(want.length > 2 && nexts.length >= want.length - 1);
    assert.ok(nexts.every((next) => /^sealed-[0-9a-f]+$/.test(next) && next.length === nexts[0].length), nexts[0]);
    assert.equal(new Set(nexts).size, nexts.length);
    // It opens at the member that made it, untouched, and also after a restart.
    const [first] = nexts;
    const bent = first.slice(0, -1) + (first.endsWith("0") ? "1" : "0");
    assert.match(await page(member, token, `&before=${bent}`), /begin with the first page\n$/);
    const second = await page(member, token, `&before=${first}`);
    await member.stop();
    await member.start();
    assert.deepEqual((await page(member, token, `&before=${first}`)).rows, second.rows);
  }
  assert.match(await page(egress, team, `&before=${(await page(node, finance)).next}`), /no cursor of this member's/);
  // Who sees all rows has a key, as ever.
  const open = await node.steward("all-pages", "report-admin");
  assert.match((await page(node, open)).next, /^[0-9a-f]{32}$/);
});

story("so does its report, and it is written down", async () => {
  const report = async (member, token, query) => {
    const { status, text } = await member.admin(`/admin/report?format=json&${query}`, { token });
    assert.equal(status, 200, text);
    return JSON.parse(text);
  };
  const scoped = await node.steward("books", "report-admin", "--project", "checkout");
  const open = await node.steward("all-books", "report-admin");
  const projects = async (token) => (await report(node, token, "by=project")).rows.map((row) => row.project);
  assert.deepEqual(await projects(scoped), ["checkout"]);
  assert.deepEqual((await projects(open)).toSorted(), ["checkout", "fraud"]);
  // A filter takes away, and adds nothing.
  assert.deepEqual((await report(node, scoped, "by=project&where=project:fraud")).rows, []);
  const team = await egress.steward("team-books", "report-admin", "--team", "payments");
  assert.deepEqual((await report(egress, team, "by=team")).rows.map((row) => row.team), ["payments"]);
  assert.equal((await egress.admin("/admin/report", { token: await egress.steward("no-books", "operator") })).status, 403);
  const [row] = await node.audit("--actor", "books");
  assert.deepEqual([row.action, row.outcome, row.status], ["GET /admin/report", "done", 200]);
  assert.match(row.what, /by=project where=/);
});

story("nobody gives what it has not", async () => {
  const keeper = await node.steward("keeper", ["token-admin", "report-admin"], "--project", "checkout");
  const make = (wish) => node.admin("/admin/admin-tokens", { method: "POST", token: keeper, body: JSON.stringify(wish) });
  for (const [wish, status, why] of [
    [{ name: "n1", roles: ["operator"] }, 403, /^you have not the role operator yourself/],
    [{ name: "n2", roles: ["report-admin"] }, 403, /^your own token is for fewer/],
    [{ name: "n3", roles: ["report-admin"], projects: ["fraud"] }, 403, /^your own token is for fewer/],
    [{ name: "n4", roles: ["king"] }, 400, /^no role is named 'king'; roles: report-admin, /],
    [{ name: "n5", roles: [] }, 400, /needs at least one role/],
    [{ name: "n6", roles: "operator" }, 400, /are lists of at most 32 names/],
    [{ name: "n7", roles: ["report-admin"], projects: ["checkout"] }, 201, /^gsra_[\w-]{32}\n$/],
  ]) {
    const answer = await make(wish);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, why);
  }
  const list = JSON.parse((await node.admin("/admin/admin-tokens?format=json", { token: keeper })).text);
  const made = list.find((one) => one.name === "n7");
  assert.deepEqual([made.roles, made.projects, made.by, made.state], ["report-admin", "checkout", "keeper", "active"]);
  assert.ok(!JSON.stringify(list).includes("gsra_"));
  const [row] = await node.audit("--what", "n7");
  assert.deepEqual([row.actor, row.role, row.action, row.outcome, row.status, row.from],
    ["keeper", "report-admin,token-admin", "POST /admin/admin-tokens", "done", 201, "127.0.0.1"]);
  assert.equal((await node.audit("--what", "n1"))[0].outcome, "failed");
});

story("commands say which of the two tokens is meant", async () => {
  for (const [words, why] of [
    [["create", "x"], /^say --groups A,B for a caller's token, or --role ROLE for an admin's\n$/],
    [["create", "x", "--groups", "own", "--role", "operator"], /^say --groups/],
    [["create", "x", "--role", "king"], /^no role is named 'king'; roles:\n {2}report-admin /],
    [["create", "x", "--role", "operator", "--team", "payments"], /of the role report-admin/],
    [["create", "x", "--role", "operator", "--user", "u"], /are of callers' tokens/],
    [["create", "x", "--groups", "own", "--team", "payments"], /--team is of admin tokens/],
    [["create", "x", "--role", "operator", "--expires", "soon"], /--expires is a number/],
    [["revoke", "nobody", "--admin"], /^no active admin token is named 'nobody'\n$/],
  ]) {
    const { code, err } = await node.tries("token", ...words);
    assert.ok(code > 0, words.join(" "));
    assert.match(err, why);
  }
});

story("tokens are made and revoked without a daemon, too", async () => {
  await node.stop();
  const kept = await node.steward("offline", "metrics-admin");
  const gone = await node.steward("offline-gone", "metrics-admin");
  assert.equal(await node.says("token", "revoke", "offline-gone", "--admin"), "revoked\n");
  assert.match(await node.says("token", "list", "--admin"), /^offline +active +metrics-admin/m);
  await node.start();
  assert.equal((await node.admin("/metrics", { token: kept })).status, 200);
  assert.equal((await node.admin("/metrics", { token: gone })).status, 401);
  const rows = (await node.audit()).filter((row) => row.what.startsWith("offline"));
  assert.deepEqual(rows.map((row) => [row.action, row.what, row.actor, row.from]), [
    ["token revoke --admin", "offline-gone", UID, ""],
    ["token create --role", "offline-gone: metrics-admin", UID, ""],
    ["token create --role", "offline: metrics-admin", UID, ""],
  ]);
});

story("what is changed is written down, whoever does it", async () => {
  const last = async (member, action) => (await member.audit("--action", action))[0];
  await node.says("targets", "disable", "own/gpt-oss", "--why", "4711");
  let row = await last(node, "POST /admin/targets/disable");
  assert.deepEqual([row.actor, row.what, row.outcome, row.status, row.from, row.role], [UID, "own/gpt-oss", "done", 200, "", ""]);
  await node.says("targets", "enable", "--all");
  assert.equal((await last(node, "POST /admin/targets/enable")).what, "all");
  await node.tries("targets", "disable", "no/such");
  row = await last(node, "POST /admin/targets/disable");
  assert.deepEqual([row.what, row.outcome, row.status], ["no/such", "failed", 404]);

  const operator = await egress.steward("on-call", "operator");
  assert.equal((await egress.admin("/admin/reload", { method: "POST", token: operator })).status, 200);
  const hash = (await egress.version()).topology;
  row = await last(egress, "POST /admin/reload");
  assert.deepEqual([row.actor, row.role, row.what, row.from], ["on-call", "operator", `${hash} -> ${hash}`, "127.0.0.1"]);
  await egress.reload();
  row = await last(egress, "reload");
  assert.deepEqual([row.actor, row.what, row.outcome], ["signal", `${hash} -> ${hash}`, "done"]);
  row = await last(egress, "serve");
  assert.deepEqual([row.actor, row.what], ["start", hash]);

  await egress.keep("openai", lab.keys.openai);
  row = (await egress.audit("--what", "secret set openai"))[0];
  assert.deepEqual([row.actor, row.action], [UID, "POST /admin/note"]);
  const text = JSON.stringify(await egress.audit());
  assert.ok(!/gsra_[\w-]{32}/.test(text) && !text.includes(lab.keys.openai));
});

story("a change of policy has the topologies before and after, or the one that stays", async () => {
  const last = async (action) => (await node.audit("--action", action))[0];
  const { topology: before } = await node.version();
  await lab.topology.change("node/payments.yaml", (file) => (file.limits.rpm = 59999));
  await node.says("reload");
  const { topology: after } = await node.version();
  assert.notEqual(before, after);
  let row = await last("POST /admin/reload");
  assert.deepEqual([row.actor, row.what, row.outcome], [UID, `${before} -> ${after}`, "done"]);

  await lab.topology.change("node/payments.yaml", (file) => (file.listen = "127.0.0.1:1"));
  assert.equal((await node.tries("reload")).code, 1);
  row = await last("POST /admin/reload");
  assert.deepEqual([row.what, row.outcome, row.status], [after, "failed", 409]);
  await node.reload();
  row = await last("reload");
  assert.deepEqual([row.actor, row.what, row.outcome], ["signal", after, "failed"]);
  await lab.topology.change("node/payments.yaml", (file) => {
    file.listen = "127.0.0.1:0";
    file.limits.rpm = 60000;
  });
  assert.equal((await node.reload()).why, "");
  row = await last("reload");
  assert.deepEqual([row.what, row.outcome], [`${after} -> ${(await node.version()).topology}`, "done"]);
});

// What is done to a store leaves the same rows whether a daemon runs or not.
const copies = join(lab.place, "copies");
const does = [
  ["retention hold add", ["retention", "hold", "add", "case-1", "--from", "2026-01-01", "--why", "court"], "case-1"],
  ["retention hold add", ["retention", "hold", "add", "case-1", "--from", "2026-01-01", "--why", "again"], "case-1"],
  ["retention hold remove", ["retention", "hold", "remove", "case-1"], "case-1"],
  ["retention hold remove", ["retention", "hold", "remove", "case-1"], "case-1"],
];
const OUTCOMES = ["done", "failed", "done", "failed"];

story("holds, runs of retention, backups, secrets and exports are written down while it serves", async () => {
  mkdirSync(copies);
  const { seq } = (await egress.audit())[0];
  for (const [, words] of does) await egress.tries(...words);
  await egress.says("retention", "run", "--dry-run");
  await egress.says("retention", "run");
  await egress.says("backup", "--out", join(copies, "live"));
  await egress.keep("spare", "sk-spare-1");
  await egress.rotate("spare", "sk-spare-2");
  await egress.says("secret", "remove", "spare");
  await egress.says("ledger", "export", "--out", join(copies, "export"));
  await egress.says("report");
  const rows = (await egress.audit()).filter((row) => row.seq > seq).toReversed();
  assert.ok(rows.every((row) => row.actor === UID), JSON.stringify(rows));
  assert.deepEqual(rows.map((row) => [row.action, row.what, row.outcome]).filter(([action]) => !action.startsWith("POST /admin/reload")), [
    ...does.map(([action, , what], i) => [action.endsWith("add") ? "POST /admin/retention/holds" : "POST /admin/retention/holds/remove", what, OUTCOMES[i]]),
    ["POST /admin/retention/run", "dry run", "done"],
    ["POST /admin/retention/run", "", "done"],
    ["retention run", "0 rows", "done"],
    ["POST /admin/backup", join(copies, "live", "store"), "done"],
    ["backup", join(copies, "live", "store"), "done"],
    ["POST /admin/note", "secret set spare", "done"],
    ["POST /admin/note", "secret rotate spare", "done"],
    ["POST /admin/note", "secret remove spare", "done"],
    ["POST /admin/note", `ledger export ${join(copies, "export")}`, "done"],
    ["GET /admin/report", "", "done"],
  ]);
});

story("and when no daemon runs", async () => {
  const { seq } = (await egress.audit())[0];
  await egress.stop();
  for (const [, words] of does) await egress.tries(...words);
  await egress.says("retention", "run", "--dry-run");
  await egress.says("retention", "run");
  await egress.says("backup", "--out", join(copies, "stopped"));
  await egress.says("ledger", "export", "--out", join(copies, "export-stopped"));
  await egress.says("report");
  await egress.keep("spare", "sk-spare-1");
  await egress.rotate("spare", "sk-spare-2");
  await egress.says("secret", "remove", "spare");
  const rows = (await egress.audit()).filter((row) => row.seq > seq).toReversed();
  assert.deepEqual(rows.map((row) => [row.actor, row.action, row.what, row.outcome]), [
    ["signal", "drain", "", "done"],
    ...does.map(([action, , what], i) => [UID, action, what, OUTCOMES[i]]),
    [UID, "retention run", "", "done"],
    [UID, "backup", join(copies, "stopped"), "done"],
    [UID, "secret set", "spare", "done"],
    [UID, "secret rotate", "spare", "done"],
    [UID, "secret remove", "spare", "done"],
  ]);
  await egress.start();
});

story("a member's log begins before it first serves, and goes on in what is restored", async () => {
  const rows = (await egress.audit()).toReversed();
  assert.deepEqual(rows.slice(0, 2).map((row) => [row.actor, row.action, row.what]),
    [[UID, "enroll", "central"], [UID, "secret set", "openai"]]);
  // Its key is elsewhere: who opens the store with it signs the row.
  const to = join(copies, "restored");
  const restored = await run(binary(egress.program), ["restore", "--from", join(copies, "stopped"), "--state", to]);
  assert.equal(restored.code, 0, restored.err);
  cpSync(join(egress.state, "identity.key"), join(to, "identity.key"));
  cpSync(join(egress.state, "master.key"), join(to, "master.key"));
  const set = await run(binary(egress.program), ["token", "create", "after", "--role", "operator", "--state", to]);
  assert.equal(set.code, 0, set.err);
  const log = JSON.parse((await run(binary(egress.program), ["get", "audit", "--json", "--limit", "3", "--state", to])).out);
  assert.deepEqual(log.map((row) => [row.actor, row.action, row.what]), [
    [UID, "token create --role", "after: operator"],
    [UID, "restore", join(copies, "stopped")],
    [UID, "retention run", ""],
  ]);
  const verified = await run(binary(egress.program), ["audit", "verify", "--state", to]);
  assert.equal(verified.code, 0, verified.err);
});

story("reads of rows with a token are written down, those at the machine are not", async () => {
  const reader = await node.steward("reader", "report-admin");
  const before = (await node.audit()).length;
  await node.says("get", "requests");
  await node.says("get", "limits");
  assert.equal((await node.audit()).length, before);
  await node.admin("/admin/requests?caller=app&group=own&egress=central&limit=3", { token: reader });
  await node.admin(`/admin/explain/${ids.request}`, { token: reader });
  const [explained, listed] = await node.audit("--actor", "reader");
  assert.deepEqual([listed.action, listed.what, listed.outcome], ["GET /admin/requests", "caller=app group=own egress=central limit=3", "done"]);
  assert.deepEqual([explained.action, explained.what], ["GET /admin/explain/", ids.request]);
});

story("a flood of refusals is counted, not kept", async () => {
  const { seq } = (await egress.audit())[0];
  for (let i = 0; i < 20; i++)
    await Promise.all(Array.from({ length: 10 }, () => egress.admin(`/admin/nothing-${i}`, { token: "flood" })));
  const rows = (await egress.audit()).filter((row) => row.seq > seq);
  assert.equal(rows.length, 2, JSON.stringify(rows));
  const [again, first] = rows;
  assert.deepEqual([first.action, first.times, again.times], ["another path", 0, 199]);
  assert.ok(Date.parse(again.since) <= Date.parse(again.at));
});

story("who comes to the callers' port without a token in force is written down, too", async () => {
  const gone = await node.caller("gone-caller", { groups: ["own"] });
  await node.says("token", "revoke", "gone-caller");
  const { seq } = (await node.audit())[0];
  const ask = async (token) => (await fetch(`${node.url}/v1/models`, { headers: { Authorization: `Bearer ${token}` } })).status;
  assert.deepEqual([await ask(gone.token), await ask("gsr_nonsense"), await ask("gsr_nonsense"), await ask(checkout.token)], [403, 401, 401, 200]);
  const rows = await until("they are written down", async () => {
    const rows = (await node.audit("--action", "call")).filter((row) => row.seq > seq);
    return rows.length === 3 && rows;
  });
  assert.deepEqual(rows.toReversed().map((row) => [row.actor, row.why, row.status, row.outcome, row.from, row.times]), [
    ["gone-caller", "token-revoked", 403, "refused", "127.0.0.1", 0],
    ["", "unauthorized", 401, "refused", "127.0.0.1", 0],
    ["", "unauthorized", 401, "refused", "127.0.0.1", 1],
  ]);
});

story("what was counted of refusals outlives a kill", async () => {
  const { seq } = (await node.audit())[0];
  for (let i = 0; i < 30; i++) assert.equal((await node.admin("/metrics", { token: "again" })).status, 401);
  await node.kill();
  // The store itself: what was counted is no row yet.
  assert.deepEqual((await node.audit("--outcome", "refused")).filter((row) => row.seq > seq).map((row) => row.times), [0]);
  await node.start();
  const rows = (await node.audit("--outcome", "refused")).filter((row) => row.seq > seq);
  assert.deepEqual(rows.map((row) => [row.action, row.times]), [["GET /metrics", 29], ["GET /metrics", 0]]);
});

story("a stranger's body is not asked for, and no log has a token", async () => {
  const head = "POST /admin/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n";
  const { bytes } = await speak(node.at.admin_port, head);
  assert.equal(statuses(bytes)[0], 401);
  for (const member of Object.values(members))
    assert.ok(member.lines.every((line) => !/gsra?_[\w-]{32}/.test(line)));
});

story("the log is whole, and its head is signed", async () => {
  for (const member of Object.values(members)) {
    const rows = await member.audit();
    assert.deepEqual(rows.map((row) => row.seq), rows.map((_, i) => rows.length - i));
    const report = JSON.parse(await member.says("audit", "verify", "--json"));
    assert.deepEqual([report.good, report.changed, report.broken, report.missing, report.head_good],
      [report.checked, 0, 0, 0, true]);
    const { hash } = (await member.audit())[0];
    assert.equal(report.head_hash, hash);
  }
  // A crash loses no row that was answered.
  const made = (await node.audit()).length;
  await node.steward("before-the-kill", "operator");
  await node.kill();
  assert.equal((await node.audit())[0].what, "before-the-kill: operator");
  assert.ok((await node.audit()).length > made);
  assert.match(await node.says("audit", "verify"), /^head hash +[0-9a-f]{64}, signed by this member$/m);
  await node.start();
});

story("operators come by HTTPS when the files say so, at once", async () => {
  const authority = await new Authority().make();
  await authority.issue("first");
  const shown = (member) => new Promise((resolve, reject) => {
    const socket = tls.connect({ port: member.at.admin_port, host: "127.0.0.1", ca: authority.text }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    }).on("error", reject);
  });
  for (const [member, path] of [[node, "node/payments.yaml"], [egress, "egress/central.yaml"]]) {
    const token = await member.steward("far", "operator");
    await lab.topology.change(path, (file) => (file.admin_tls = authority.paths));
    // The reload is asked for on the very listener that it replaces.
    assert.equal((await member.admin("/admin/reload", { method: "POST", token })).status, 200);
    member.secureOperators(authority);
    assert.equal((await member.admin("/healthz")).text, "ok\n");
    assert.equal((await member.admin("/admin/audit", { token })).status, 200);
    assert.equal((await member.admin("/admin/audit")).status, 401);
    const { bytes } = await speak(member.at.admin_port, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert.deepEqual(statuses(bytes), []);

    assert.equal(await shown(member), "first");
    await authority.issue("second");
    assert.equal((await member.reload()).why, "");
    assert.equal(await shown(member), "second");
    chmodSync(authority.paths.key, 0o644);
    assert.match((await member.reload()).why, /admin_tls\.key .*node\.key: is open to everybody; chmod o= it/);
    assert.equal(await shown(member), "second");
    await authority.issue("first");
  }
});

story("beyond this machine it listens with HTTPS only", async () => {
  const wide = (file) => (file.admin_listen = "0.0.0.0:0");
  await lab.topology.change("node/payments.yaml", wide);
  assert.match((await node.reload()).why, /'admin_listen' changed: that needs a restart/);
  await node.stop();
  await node.start();
  assert.equal((await node.admin("/readyz")).status, 200);
  await assert.rejects(lab.topology.change("node/payments.yaml", (file) => delete file.admin_tls),
    /payments\.yaml:\d+:\d+: '0\.0\.0\.0:0' is not this machine alone, and admin tokens would cross the network in the clear; add 'admin_tls/);
});
