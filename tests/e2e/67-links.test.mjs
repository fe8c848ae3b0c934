// What `get links` says of the wires between members.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";

import { launch, mesh, story, until } from "./lab.mjs";
import { binary } from "./lab/program.mjs";

const lab = await mesh({ teams: ["payments", "search"], workers: 2 });
const { egress, node, provider } = lab;
const { search } = lab.nodes;
const app = await node.caller("app", { groups: ["assistant"] });

const links = async (member, ...words) => JSON.parse(await member.says("get", "links", "--json", ...words));
const states = async (member, peer) => (await links(member, "--peer", peer)).links.map((link) => link.state);
const all = (member, peer, state) => until(`${member.name} has ${peer} ${state}`, async () => {
  const seen = await states(member, peer);
  return seen.length === 2 && seen.every((s) => s === state);
});
const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);

story("both ends tell of each lane", async () => {
  const { links: up, member, topology, protocol } = await links(node);
  assert.deepEqual([member, protocol, up.length], ["payments", 1, 2]);
  assert.deepEqual(up.map((link) => link.lane).toSorted(), [0, 1]);
  for (const link of up) {
    assert.deepEqual([link.peer, link.role, link.dialled, link.state, link.why, link.lost], ["central", "egress", true, "up", "", 0]);
    assert.deepEqual([link.topology, link.topology_is], [topology, "same"]);
    assert.ok(Date.parse(link.since) <= Date.now() && link.bytes_in > 0 && link.bytes_out > 0, JSON.stringify(link));
  }
  await until("the way is measured", async () => (await links(node)).links.every((link) => link.rtt_us > 0));
  const { links: down, refused } = await links(egress);
  assert.deepEqual(refused, []);
  assert.deepEqual(down.map((link) => `${link.peer} ${link.role} ${link.peer_lane} ${link.state}`).toSorted(),
    ["payments node 0 up", "payments node 1 up", "search node 0 up", "search node 1 up"]);
  const text = await egress.says("get", "links");
  assert.match(text, /^peer +role +lane +state +since +next try in +round trip /);
  assert.equal(text.match(/^payments +node +[01] +up +2/gm).length, 2);
});

story("what goes over a link is counted at both ends", async () => {
  const before = [(await links(node)).links, (await links(egress, "--peer", "payments")).links];
  const held = app.stream(provider.says("tokens=40 interval_ms=50"));
  await until("its stream is open", async () => sum((await links(node)).links, "streams") === 1);
  assert.equal(sum((await links(egress, "--peer", "payments")).links, "streams"), 1);
  assert.equal((await held.end).error, null);
  await until("it is over", async () => sum((await links(node)).links, "streams") === 0);
  const after = [(await links(node)).links, (await links(egress, "--peer", "payments")).links];
  for (const end of [0, 1]) {
    assert.equal(sum(after[end], "streams_total"), sum(before[end], "streams_total") + 1);
    assert.ok(sum(after[end], "bytes_in") > sum(before[end], "bytes_in") + 500);
    assert.ok(sum(after[end], "bytes_out") > sum(before[end], "bytes_out") + 500);
  }
});

story("a link that is cut is told with its cause and its next try, and comes back", async () => {
  lab.link.close();
  await until("no link is up", async () => (await states(node, "central")).every((state) => state !== "up"));
  const waiting = await until("it waits", async () => (await links(node)).links.find((link) => link.state === "waiting" && link.next_try_us > 0));
  assert.ok(waiting.why !== "" && waiting.lost === 1 && waiting.topology === null && waiting.streams === 0, JSON.stringify(waiting));
  const gone = await until("nobody is there", async () => {
    const { links: rows } = await links(egress);
    return rows.every((link) => link.state === "absent") && rows;
  });
  assert.deepEqual(gone.map((link) => link.peer).toSorted(), ["payments", "search"]);
  assert.ok(gone.every((link) => link.why !== "" && Date.parse(link.since) > 0), JSON.stringify(gone));
  assert.match(await egress.says("get", "links"), /^search +node +\d+ +absent +2/m);

  lab.link.heal();
  await all(node, "central", "up");
  await all(egress, "payments", "up");
  await all(egress, "search", "up");
  for (const link of (await links(node)).links) assert.deepEqual([link.lost, link.why], [1, ""]);
});

story("whose files differ, and who has changed, is told", async () => {
  await lab.topology.change("mesh.yaml", (file) => {
    file.teams.payments.weight = 3;
  });
  assert.equal((await egress.reload()).why, "");
  // The link is as it was when it came up: the same files at both ends.
  for (const link of (await links(egress, "--peer", "payments")).links) assert.equal(link.topology_is, "same before");
  lab.link.cut();
  await until("it is seen", async () => {
    const { links: rows } = await links(node);
    return rows.every((link) => link.state === "up" && link.topology_is === "differs");
  });
  assert.equal((await node.reload()).why, "");
  assert.ok((await links(node)).links.every((link) => link.topology_is === "same"));
});

story("who is not let in stands apart, with the reason", async () => {
  for (const file of ["search.yaml", "search.lock"]) rmSync(lab.topology.path(`node/${file}`));
  await lab.topology.change("mesh.yaml", (file) => {
    delete file.members.search;
    delete file.teams.search;
  });
  assert.equal((await egress.reload()).why, "");
  const refused = await until("it is refused", async () => (await links(egress)).refused.find((r) => r.count > 1));
  assert.deepEqual([refused.peer, refused.why], ["search", "not allowed by the topology"]);
  const stranger = await until("it is in the audit log", async () => (await egress.audit("--action", "link")).find((row) => row.actor === "search"));
  assert.deepEqual([stranger.outcome, stranger.why], ["refused", "not allowed by the topology"]);
  assert.ok((await links(egress)).links.every((link) => link.peer === "payments"));
  assert.match(await egress.says("get", "links"), /^not let in +last +times +why\nsearch +2.* not allowed by the topology$/m);
  const { links: rows } = await links(search);
  assert.ok(rows.every((link) => link.state !== "up" && link.why !== ""), JSON.stringify(rows));
});

story("a peer that nobody knows is told with the one that was meant", async () => {
  const { code, out, err } = await node.tries("get", "links", "--peer", "centrl");
  assert.deepEqual([code, out, err], [1, "", "no link to 'centrl'; is it 'central'?\n"]);
});

story("it is drawn again and again, until nobody answers", async () => {
  const child = launch(binary("gsr-node"), ["get", "links", "--watch", "--state", search.state]);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more) => (text += more));
  await until("it is drawn twice", () => text.match(/^peer /gm)?.length >= 2);
  await search.stop();
  assert.equal((await child.gone).code, 1);
  assert.match((await search.tries("get", "links")).err, /no daemon runs/);
});
