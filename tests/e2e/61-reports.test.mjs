// Reports: what requests came to, by whatever one asks for; what is told from
// roll-ups is what the rows say, at the node and at the egress, over kills.
import assert from "node:assert/strict";

import { mesh, OWN_PRICE, PRICE, story } from "./lab.mjs";

const INPUT = 300;
const OUTPUT = 100;
const COST = INPUT * PRICE.input + OUTPUT * PRICE.output;

const lab = await mesh({ team: { cost_center: "4410" } });
const { egress, node, provider } = lab;

const app = await node.caller("app", { groups: ["assistant", "own"], project: "checkout" });
const other = await node.caller("other", { groups: ["assistant"], project: "fraud" });
const REAL = `prompt=${INPUT} tokens=1 completion=${OUTPUT}`;
const asks = (caller, times, script = REAL, tags) => Promise.all(Array.from({ length: times }, () =>
  caller.ask(provider.says(script), {}, tags && { "x-router-tags": tags }).catch((error) => error)));

const report = async (member, ...more) => JSON.parse(await member.says("report", "--json", ...more));
const rows = async (member, ...more) => report(member, ...more, "--source", "rows");
const by = (name, { rows }) => Object.fromEntries(rows.map((row) => [row[name], row]));
const figures = ({ source, cells_read, rows_read, ...told }) => told;

// From the roll-ups, and the same from the rows.
const told = async (member, ...more) => {
  const report1 = await report(member, ...more);
  assert.deepEqual(figures(report1), figures(await rows(member, ...more)));
  assert.equal(report1.source, "roll-ups");
  return report1;
};

story("requests are told by project, target, status and tag, with their cost", async () => {
  await asks(app, 6, REAL, "run=17,stage=test");
  await asks(other, 3);
  await asks(app, 2, "status=400");
  const projects = by("project", await told(node, "--by", "project"));
  assert.equal(projects.checkout.requests, 8);
  assert.equal(projects.checkout.errors, 2);
  assert.equal(projects.checkout.cost_microusd, 6 * COST);
  assert.equal(projects.fraud.requests, 3);
  assert.equal(projects.fraud.input_tokens, 3 * INPUT);
  assert.equal(projects.fraud.output_tokens, 3 * OUTPUT);
  assert.ok(projects.fraud.total_p50_us > 0);
  const runs = by("tag.run", await told(node, "--by", "tag.run,tag.stage"));
  assert.equal(runs["17"].requests, 6);
  assert.equal(runs["17"]["tag.stage"], "test");
  const statuses = by("status", await told(node, "--by", "status", "--where", "project:checkout"));
  assert.deepEqual([statuses["200"].requests, statuses["400"].requests], [6, 2]);
  const [where] = (await told(node, "--by", "day,provider,model,cost_center,client,team,environment")).rows;
  assert.match(where.day, /^\d{4}-\d\d-\d\d$/);
  assert.deepEqual([where.provider, where.model, where.cost_center, where.team], ["openai", "gpt-5-mini", "4410", "payments"]);
  assert.equal(where.client, "OpenAI/JS");
});

story("the egress tells the same of its calls, by team and cost center", async () => {
  const { rows: [team] } = await told(egress, "--by", "team,cost_center,origin");
  const { total } = await told(node, "--of", "attempts");
  assert.deepEqual([team.team, team.cost_center, team.origin], ["payments", "4410", "payments"]);
  for (const figure of ["attempts", "failed_attempts", "input_tokens", "output_tokens", "cost_microusd"])
    assert.equal(team[figure], total[figure], figure);
});

story("text, Markdown and CSV have one line a group", async () => {
  const text = await node.says("report", "--by", "project");
  assert.match(text, /^Requests from \d{4}-\d\d-01T00:00:00Z to /);
  assert.match(text, /^checkout +8 +25\.0% /m);
  assert.match(text, /^total +11 /m);
  const markdown = await node.says("report", "--by", "project", "--format", "markdown");
  assert.match(markdown, /^\| project \| requests \|.*\n\|---\|---:\|/m);
  assert.match(markdown, /^\| checkout \| 8 \|/m);
  const csv = (await node.says("report", "--by", "project", "--format", "csv")).split("\n");
  assert.match(csv[0], /^project,requests,errors,/);
  assert.match(csv[1], /^checkout,8,2,/);
  assert.equal(csv.length, 4); // a heading, two groups, and the last line's end
});

story("what is asked wrongly is told with what there is", async () => {
  for (const [words, why] of [
    [["--by", "projekt"], /there is no dimension 'projekt'; there are: team, /],
    [["--where", "project"], /write DIMENSION:VALUE/],
    [["--from", "yesterday"], /a time is 2026-11-26/],
    [["--month", "2026-13"], /is no month/],
    [["--from", "1d", "--to", "2d"], /ends before it begins/],
    [["--format", "pdf"], /text, markdown, json or csv/],
  ]) {
    const { code, err } = await node.tries("report", ...words);
    assert.notEqual(code, 0);
    assert.match(err, why);
  }
});

story("a kill changes nothing of what was told, and what it cut off is told", async () => {
  const before = await told(node, "--by", "project");
  await node.kill();
  assert.deepEqual(figures(await told(node, "--by", "project")), figures(before)); // from the store itself
  await node.start();
  assert.deepEqual(figures(await told(node, "--by", "project")), figures(before));
  const cut = app.stream(provider.stallsAfter(1));
  await cut.heard(1);
  await node.kill();
  await cut.end;
  await node.start();
  const after = by("project", await told(node, "--by", "project"));
  assert.equal(after.checkout.requests, 9);
  assert.equal(after.checkout.errors, 3);
});

story("a fixed and a routed group are held against each other", async () => {
  const OWN = INPUT * OWN_PRICE.input + OUTPUT * OWN_PRICE.output;
  const tagged = (model, times, script) => Promise.all(Array.from({ length: times }, () =>
    app.ask(provider.says(script ?? REAL), { model }, { "x-router-tags": "trial=9" }).catch((error) => error)));
  await tagged("assistant", 4);
  await tagged("own", 5);
  await tagged("own", 1, "status=400");
  await other.ask(provider.says(REAL), {}, { "x-router-tags": "trial=9" });

  const sides = ["--where", "tag.trial:9,project:checkout", "--fixed", "group:assistant", "--routed", "group:own"];
  const compared = await report(node, ...sides);
  const { source, cells_read, rows_read, ...same } = await rows(node, ...sides);
  assert.deepEqual(figures(compared), same);
  assert.deepEqual([compared.source, source], ["roll-ups", "rows"]);
  assert.ok(cells_read === 0 && rows_read >= 10);
  assert.deepEqual([compared.fixed, compared.routed, compared.on_both_sides, compared.paired],
    [{ where: "group:assistant", requests: 4 }, { where: "group:own", requests: 6 }, 0, false]);
  const figure = by("figure", { rows: compared.figures });
  const { fixed, routed, difference, difference_percent } = figure.cost_per_request_microusd;
  assert.equal(fixed, COST);
  assert.ok(Math.abs(routed - 5 * OWN / 6) < 1e-6, routed);
  assert.ok(Math.abs(difference - (routed - fixed)) < 1e-6);
  assert.ok(Math.abs(difference_percent - 100 * (routed - fixed) / fixed) < 1e-6);
  assert.deepEqual([figure.success_share.fixed, figure.success_share.difference_percent], [1, null]);
  assert.ok(Math.abs(figure.success_share.routed - 5 / 6) < 1e-9);
  assert.equal(figure.input_tokens_per_request.fixed, INPUT);
  assert.ok(figure.total_p90_us.fixed > 0 && figure.first_byte_p50_us.routed > 0);
  const refused = compared.errors.filter((error) => error.routed > 0);
  assert.deepEqual(refused.map((error) => [error.fixed, error.routed]), [[0, 1]]);
  assert.deepEqual(compared.targets.map(({ target, fixed, routed }) => [target, fixed, routed]),
    [["own/gpt-oss", 0, 6], ["openai/gpt-5-mini", 4, 0]]);

  const text = await node.says("report", ...sides);
  assert.match(text, /^Fixed: group:assistant \(4\)\. Routed: group:own \(6\)\.\nThe requests of the two sides are not paired/m);
  assert.match(text, /^succeeded +100\.0% +83\.3% +-16\.7 points/m);
  assert.match(await node.says("report", ...sides, "--format", "csv"), /^target,own\/gpt-oss,number,0,6,6,$/m);

  // A scope narrows both sides.
  const scoped = await node.steward("frauds", "report-admin", "--project", "fraud");
  const { text: told } = await node.admin("/admin/report?format=json&where=tag.trial:9&fixed=group:assistant&routed=group:own", { token: scoped });
  assert.deepEqual([JSON.parse(told).fixed.requests, JSON.parse(told).routed.requests], [1, 0]);

  const { code, err } = await node.tries("report", "--fixed", "group:assistant");
  assert.equal(code, 1);
  assert.match(err, /a comparison has two sides: .*--routed group:smart/);
  assert.match((await egress.tries("report", "--fixed", "group:a", "--routed", "group:b")).err, /ask a node/);
});
