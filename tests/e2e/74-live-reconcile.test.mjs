// A running node asks its egresses over the link for what they have of its
// calls, and holds it against its own: of its own calls alone, by cuts and
// kills, and what is missing on one side is found.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { binary, Load, mesh, run, story, until } from "./lab.mjs";

const lab = await mesh({ teams: ["payments", "search"], egresses: ["central", "spare"] });
const { egress, node, provider } = lab;
const search = lab.nodes.search;
const app = await node.caller("app", { groups: ["assistant", "own"] });
const seeker = await search.caller("seeker", { groups: ["assistant"] });

// What a live comparison says, a line for each egress: { code, err, said }.
async function live(member, ...more) {
  const end = await run(binary(member.program), ["ledger", "reconcile", "--state", member.state,
    "--topology", lab.topology.dir, "--operator-key", lab.operator, "--json", ...more]);
  return { ...end, said: end.out.split("\n").filter(Boolean).map(JSON.parse) };
}

const central = (member, ...more) => live(member, "--parent", "central", ...more);

// The same when the link is up again: another parent makes a node ready, too.
const answered = (member) => until("the egress answers", async () => {
  const end = await central(member);
  if (end.said.length === 0) throw new Error(end.err);
  return end;
}, 90_000);
const unexplained = (said) => JSON.stringify(said[0].differences.filter(({ explained }) => !explained));
const left = () => existsSync(join(node.state, "reconcile"));

const matched = (wanted, caller = node) => until("all of it is matched", async () => {
  const { code, err, said: [said] } = await central(caller);
  assert.equal(code, 0, err + JSON.stringify(said));
  return said.matched === wanted && said;
});

story("both ledgers are the same, and each node sees its own calls alone", async () => {
  for (let i = 0; i < 7; i++) await app.ask(provider.says("prompt=100 tokens=5 completion=20"));
  await app.stream(provider.says("tokens=7")).end;
  await app.ask(provider.says("tokens=1"), { model: "own" });
  for (let i = 0; i < 3; i++) await seeker.ask(provider.says("tokens=2"));
  const mine = await matched(8);
  assert.deepEqual([mine.node, mine.egress, mine.attempts, mine.differences], ["payments", "central", 8, []]);
  assert.deepEqual([mine.receipts.node.good, mine.receipts.egress.good, mine.receipts.egress.checked], [8, 8, 8]);
  assert.deepEqual(mine.months.map(({ team }) => team), ["payments"]);
  assert.deepEqual(mine.months[0].node, mine.months[0].egress);
  const theirs = await matched(3, search);
  assert.deepEqual([theirs.node, theirs.receipts.egress.checked, theirs.months.map(({ team }) => team)], ["search", 3, ["search"]]);
  assert.ok(!left());
});

story("all parents are asked, and a window is kept", async () => {
  const all = await live(node);
  assert.equal(all.code, 0, all.err);
  assert.deepEqual(all.said.map(({ egress, attempts }) => [egress, attempts]), [["central", 8], ["spare", 0]]);
  const today = new Date().toISOString().slice(0, 10);
  assert.equal((await central(node, "--from", today)).said[0].attempts, 8);
  assert.equal((await central(node, "--to", today)).said[0].attempts, 0);
  assert.equal((await central(node, "--month", today.slice(0, 7))).said[0].attempts, 8);
  const text = await run(binary(node.program), ["ledger", "reconcile", "--state", node.state, "--topology", lab.topology.dir]);
  assert.match(text.out, /^payments and central:\n8 attempts: 8 matched, [^]*The ledgers agree\.\npayments and spare:\n0 attempts/);
  for (const [words, why] of [
    [["--parent", "nobody"], /^--parent: 'nobody' is no parent of node 'payments'\n$/m],
    [["--month", "2099-01"], /still to come/],
    [["--month", "soon"], /'soon' is no month/],
  ]) {
    const { code, err } = await live(node, ...words);
    assert.ok(code > 0);
    assert.match(err, why);
  }
  const { code, err } = await live(egress);
  assert.equal(code, 1);
  assert.match(err, /it is the node that asks/);
});

story("it agrees under load, and after node and egress were killed in it", async (t) => {
  const load = new Load([app, app, seeker]);
  for (const victim of [egress, node, egress, node]) {
    const asked = load.asked.length;
    await until("it goes on", () => load.asked.length > asked + 20);
    const { code, err, said } = await answered(node);
    assert.equal(code, 0, err + unexplained(said));
    await victim.kill();
    await victim.start({ ready: false });
    await node.ready();
  }
  await load.stop();
  const said = await until("both agree", async () => {
    const end = await answered(node);
    assert.equal(end.code, 0, end.err + unexplained(end.said));
    const [one] = end.said;
    if (one.causes.undelivered + one.causes["lost-ack"] + one.causes["under-way"] + one.causes["after-export"] > 0) throw new Error(JSON.stringify(one.causes));
    return one;
  });
  assert.ok(said.matched > 20);
  t.diagnostic(`${said.attempts} attempts: ${said.matched} matched, ${said.explained} explained, ${JSON.stringify(said.causes)}`);
  assert.ok(!left());
});

story("what came after a backup that was put in place is missing, and that is told", async () => {
  const backup = join(lab.place, "before");
  await egress.says("backup", "--out", backup, "--with-identity");
  const before = (await until("all is delivered", matchedNow)).attempts;
  // A link that is not back yet is a reason to go through the other one.
  let through = 0;
  await until("four went that way", async () => {
    const { id } = await app.ask(provider.says("tokens=1"));
    through += (await node.explain(id)).request.egress === "central" ? 1 : 0;
    return through === 4;
  });
  await until("they are delivered", async () => (await matchedNow()).attempts >= before + 4);
  await egress.stop();
  rmSync(egress.state, { recursive: true });
  assert.equal((await run(binary(egress.program), ["restore", "--from", backup, "--state", egress.state])).code, 0);
  await egress.start();
  await node.ready();
  const { code, said: [said] } = await answered(node);
  assert.equal(code, 1);
  assert.equal(said.unexplained, 4);
  assert.ok(said.causes.removed >= 4);
  assert.equal(said.clean, false);
  // The other node's calls are not concerned.
  assert.equal((await answered(search)).code, 0);
});

async function matchedNow() {
  const { code, err, said: [said] } = await answered(node);
  assert.equal(code, 0, err + unexplained([said]));
  if (said.causes.undelivered + said.causes["lost-ack"] > 0) throw new Error(JSON.stringify(said.causes));
  return said;
}

story("a link that is cut meanwhile is waited for, or told of", async () => {
  lab.link.hold();
  const asking = central(search);
  await until("the egress was asked", () => egress.lines.some((line) => /asks for what is in this ledger/.test(line) && /search/.test(line)));
  lab.link.cut();
  lab.link.heal();
  const { code, err } = await asking;
  assert.ok(code === 0 || /broke off|is not up/.test(err), err);
  // Few: a node dials less and less often where links do not last.
  for (let i = 0; i < 2; i++) {
    await answered(search);
    const ends = [central(search), central(search)];
    setTimeout(() => lab.link.cut(), 8 * i);
    for (const { code, err, said } of await Promise.all(ends))
      assert.ok(code === 0 ? said[0].clean : /broke off|is not up|another reconcile of this member is under way/.test(err), err);
  }
});

story("who is away is told of, and nothing is left", async () => {
  lab.link.close();
  await until("the link is down", async () => !/central\s+\S*\s*up/.test(await node.says("get", "links")) || true);
  const { code, err } = await until("it is noticed", async () => {
    const end = await central(node);
    return end.code !== 0 && /not up|broke off/.test(end.err) && end;
  });
  assert.equal(code, 1);
  assert.match(err, /the link to egress 'central' is not up: 'get links' tells why|broke off/);
  // The other one is asked all the same.
  const both = await live(node);
  assert.equal(both.code, 1);
  assert.deepEqual(both.said.map((one) => [one.egress, one.clean]), [["spare", true]]);
  lab.link.heal();
  await node.ready();
  await node.stop();
  assert.match((await central(node)).err, /no daemon runs here/);
  // What a command that died left is gone when the node starts.
  mkdirSync(join(node.state, "reconcile", "egress"), { recursive: true });
  writeFileSync(join(node.state, "reconcile", "egress", "attempt.jsonl"), "half");
  await node.start();
  assert.ok(!left());
});

story("a report-admin of all projects may ask, nobody else, and it is written down", async () => {
  const path = "/admin/ledger/extract?parent=spare&kind=attempt";
  const auditor = await node.steward("auditor", "report-admin");
  const scoped = await node.steward("scoped", "report-admin", "--project", "checkout");
  const operator = await node.steward("on-call", "operator");
  await until("the link is up", async () => (await node.admin(path, { token: auditor })).status === 200);
  assert.equal((await node.admin(path, { token: operator })).status, 403);
  const { status, text } = await node.admin(path, { token: scoped });
  assert.equal(status, 403);
  assert.match(text, /'scoped' is for some projects, and this is of all\n$/);
  assert.equal((await node.admin(path)).status, 401);
  const rows = await node.audit("--action", "GET /admin/ledger/extract");
  const [first] = rows.filter(({ actor }) => actor === "auditor");
  assert.deepEqual([first.what, first.outcome, first.status], ["spare: attempt", "done", 200]);
  assert.ok(rows.some(({ actor, status }) => actor === "scoped" && status === 403));
  for (const [query, why] of [
    ["parent=nobody&kind=attempt", /'nobody' is no parent/],
    ["parent=spare&kind=request", /'kind' is open, attempt/],
    ["parent=spare&kind=attempt&after=xyz", /'after' is a key/],
    ["parent=spare&kind=attempt&from=soon", /'from' is microseconds/],
  ]) {
    const answer = await node.admin(`/admin/ledger/extract?${query}`, { token: auditor });
    assert.equal(answer.status, 400, query);
    assert.match(answer.text, why);
  }
  assert.ok(readdirSync(node.state).every((name) => name !== "reconcile"));
});
