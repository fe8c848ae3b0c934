// The pages at /admin/ on which something is decided, changed or watched: groups
// and their policies, admin tokens, reloads, the mesh's picture, live figures;
// and what the audit log has of those who look.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { mesh, story, until } from "./lab.mjs";
import { Browser } from "./lab/browser.mjs";
import { binary, must } from "./lab/program.mjs";

const OWN = "own/gpt-oss";
const FAR = "openai/gpt-5-mini";
const TSC = new URL("../../node/policy/node_modules/.bin/tsc", import.meta.url).pathname;

const lab = await mesh({
  teams: ["payments", "search"],
  start: false,
  model: { supports: ["tools"] },
  node: { tiers: { slow: { shaping: { rpm: 1, burst: 1, queue: "1ms" } } } },
  groups: {
    smart: { strategy: "score", targets: [OWN, FAR] },
    strict: { strategy: "failover", targets: [OWN], contract: { requires: ["tools"], evidence: "24h" } },
  },
});
const { egress, nodes, provider, topology } = lab;
const node = nodes.payments;

// A policy as a team builds it, in a group of its own.
const source = join(lab.place, "last.ts");
mkdirSync(join(topology.dir, "policies"));
writeFileSync(source, `import type { Decision, Input } from "gsr-policy";
export default function route(input: Input): Decision {
  return { order: input.targets.map((t) => t.target).reverse(), note: "the last first" };
}
`);
const tsc = existsSync(TSC) ? ["--tsc", TSC] : [];
const built = await must(binary("gsr-node"), ["policy", "build", source, "--out", join(topology.dir, "policies/last.js"), ...tsc]);
const [, hash] = built.match(/hash: "([0-9a-f]{64})"/);
await topology.change("node/payments.yaml", ({ groups }) => {
  groups.scripted = { strategy: "script", script: { file: "policies/last.js", hash, fallback: "failover" }, targets: [OWN, FAR] };
});
await lab.start();

const app = await node.caller("app", { groups: ["scripted", "smart", "strict", "own"], project: "checkout" });
const slow = await node.caller("slow", { groups: ["own"], tier: "slow" });
const finder = await nodes.search.caller("finder", { groups: ["assistant"] });
await app.ask(provider.says("tokens=2"), { model: "scripted" });
const { id: refused } = await app.refused(provider.says(), { model: "strict" });
await slow.ask(provider.says("tokens=1"));
await slow.refused(provider.says("tokens=1"));
await finder.ask(provider.says("tokens=2"));

const admin = await node.steward("ada", ["report-admin", "token-admin", "operator"]);

async function visit(member, token, place, tell, wish) {
  const browser = await Browser.open(member, wish);
  try {
    await browser.enter(token, place);
    await browser.settled();
    await tell(browser, browser.page);
    assert.deepEqual(browser.wrong, []);
  } finally {
    await browser.close();
  }
}

story("a group's page says what orders it, which policy is in force and what was proved", async () => {
  await node.tries("test", "smart");
  await visit(node, admin, "decisions?group=scripted", async (browser, page) => {
    const main = await page.locator("main").textContent();
    for (const text of ["a policy that runs in a sandbox", "policies/last.js", hash]) assert.ok(main.includes(text), text);
    const chosen = (await browser.rows("Targets of scripted")).map((cells) => [cells[0], cells.at(-1)]);
    assert.deepEqual(chosen, [[OWN, "0 (0 %)"], [FAR, "1 (100 %)"]]);

    await page.getByLabel("Group").selectOption("smart");
    await page.getByText("by the weighted sum").waitFor();
    await page.getByText(/cost 1, ttft 0\.5/).waitFor();
    const trials = await browser.rows("Trials");
    const evidence = JSON.parse(await node.says("get", "evidence", "--group", "smart", "--json"));
    assert.equal(trials.length, evidence.length);
    assert.ok(trials.length > 0 && trials.every(([group]) => group === "smart"));

    await page.getByLabel("Group").selectOption("strict");
    await page.getByText("never tried").waitFor();
    assert.match(await page.locator("main").textContent(), /RequirestoolsProof no older than24\.0 h/);
    assert.deepEqual(await browser.faults(), []);
  });
});

story("what would be done with a request is told without doing it", async () => {
  const before = (await node.rows()).length;
  await visit(node, admin, "decisions?group=scripted", async (browser, page) => {
    await page.getByRole("button", { name: "Try scripted" }).click();
    const form = page.getByRole("dialog", { name: "Try a request to scripted" });
    await form.getByLabel("Prompt").fill("{ no JSON");
    await form.getByRole("button", { name: "Try" }).click();
    await form.getByText("This begins with { and is no JSON.").waitFor();
    await form.getByLabel("Prompt").fill("hello");
    await form.getByRole("button", { name: "Try" }).click();
    const told = page.getByRole("dialog", { name: "What scripted would do" });
    await told.getByText(`It would be tried at ${FAR}, then ${OWN}.`).waitFor();
    await told.getByText("the last first").waitFor();
    assert.deepEqual((await browser.rows("Candidates")).map((cells) => cells.slice(0, 2)), [[FAR, "1"], [OWN, "2"]]);
    assert.deepEqual(await browser.faults(), []);
    // It belongs to its page, and goes with it.
    await browser.goTo("overview");
    await told.waitFor({ state: "detached" });
  });
  assert.equal((await node.rows()).length, before);
});

story("a request that nobody could serve says why of each target", async () => {
  await visit(node, admin, `request/${refused}`, async (browser, page) => {
    await page.getByText("No target of this group can serve the request.").waitFor();
    const [[target, rank, why]] = await browser.rows("Candidates");
    assert.deepEqual([target, rank], [OWN, "–"]);
    assert.match(why, /^evidence no fresh proof that it can do what the contract requires: tools$/);
  });
});

story("who had to wait or was sent away stands beside the gates", async () => {
  await visit(node, admin, "limits", async (browser) => {
    const [[, outcome, by, caller, , , retry]] = await browser.rows("Latest waits and refusals");
    assert.deepEqual([outcome, by, caller], ["refused", "caller slow rpm", "slow"]);
    assert.match(retry, /^\d+(\.\d)? s$/);
  });
});

story("an admin token is made on the page, shown once, used, and revoked; with no more than one has", async () => {
  await visit(node, admin, "admins", async (browser, page) => {
    await page.getByRole("button", { name: "New admin token" }).click();
    const form = page.getByRole("dialog", { name: "New admin token" });
    assert.equal(await form.getByRole("checkbox").count(), 3);
    await form.getByLabel("Name").fill("finance");
    await form.getByRole("button", { name: "Create" }).click();
    await form.getByText("An admin token has one role at least.").waitFor();
    await form.getByRole("checkbox", { name: /^report-admin/ }).check();
    await form.getByLabel("Projects").fill("checkout");
    assert.deepEqual(await browser.faults(), []);
    await form.getByRole("button", { name: "Create" }).click();
    const shown = page.getByRole("dialog", { name: "The new admin token" });
    const token = await shown.locator("code").textContent();
    assert.match(token, /^gsra_/);
    await shown.getByRole("button", { name: "Done" }).click();
    await page.getByText("2 active, 0 expired or revoked").waitFor();
    assert.ok(!(await page.content()).includes(token));
    const rows = JSON.parse((await node.admin("/admin/requests?format=json", { token })).text);
    assert.ok(rows.length > 0 && rows.every(({ project }) => project === "checkout"));

    const made = Object.fromEntries((await browser.rows("Admin tokens")).map(([name, ...cells]) => [name, cells]));
    assert.deepEqual(made.finance.slice(0, 4), ["active", "report-admin ", "checkout", "ada"]);
    await page.getByRole("button", { name: "Revoke finance" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("1 active, 1 expired or revoked").waitFor();
    assert.equal((await node.admin("/admin/requests", { token })).status, 401);
  });
});

story("a reload tells what served before and serves now, and one that fails says which file is wrong", async () => {
  await visit(node, admin, "mesh", async (browser, page) => {
    const { topology: before } = await node.version();
    const reload = async () => {
      await page.getByRole("button", { name: "Reload" }).click();
      await page.getByRole("dialog", { name: "Reload the topology?" }).getByRole("button", { name: "Reload" }).click();
    };
    await topology.change("node/payments.yaml", ({ groups }) => {
      groups.spare.display_name = "Spare";
    });
    await reload();
    const told = page.getByRole("dialog", { name: "The new topology serves" });
    await told.getByText(before, { exact: true }).waitFor();
    const { topology: after } = await node.version();
    assert.notEqual(after, before);
    await told.getByText(after, { exact: true }).waitFor();
    await told.getByRole("button", { name: "Done" }).click();

    const goBack = topology.copy();
    topology.scribble("node/payments.yaml", (text) => text.replace('"strategy": "score"', '"strategy": "scorn"'));
    await reload();
    const wrong = page.getByRole("dialog").getByRole("alert");
    await wrong.getByText(/node\/payments\.yaml: was changed/).waitFor();
    assert.deepEqual(await browser.faults(), []);
    await browser.picture("reload-refused");
    browser.wrong.splice(0, 1); // Chromium's own line about the 409
    await page.getByRole("button", { name: "Cancel" }).click();
    goBack();
    assert.equal((await node.version()).topology, after);
    const done = (await node.audit("--action", "reload")).slice(0, 2).map(({ actor, outcome }) => [actor, outcome]);
    assert.deepEqual(done, [["ada", "failed"], ["ada", "done"]]);
  });
});

story("the picture of the mesh has each link as it is, also when it is cut", async () => {
  await visit(node, admin, "mesh", async (browser, page) => {
    const picture = page.getByRole("region", { name: "Picture of the mesh" });
    const told = () => picture.locator("svg").getAttribute("aria-label");
    assert.match(await told(), /^payments with central up; behind them openai, 1 of 1 targets in use; own, 1 of 1 targets in use$/);
    lab.link.close();
    try {
      await until("the picture has it", async () => {
        await page.getByRole("button", { name: "Live" }).click();
        await page.getByRole("button", { name: "Live" }).click();
        return /central down/.test(await told());
      });
      assert.deepEqual(await browser.faults(), []);
      await browser.picture("mesh-cut");
    } finally {
      lab.link.heal();
    }
    await node.ready();
    // Chromium's own line about /readyz, while it was not ready.
    browser.wrong.splice(0, Infinity, ...browser.wrong.filter((line) => !/ 503 /.test(line)));
  });
  const eve = await egress.steward("eve", "operator");
  await visit(egress, eve, "mesh", async (browser, page) => {
    const label = await page.getByRole("region", { name: "Picture of the mesh" }).locator("svg").getAttribute("aria-label");
    assert.match(label, /^central with .*payments up/);
    const [[account, state]] = await browser.rows("Targets");
    assert.deepEqual([account, state], ["openai", "ok"]);
  });
});

story("a page in a hidden tab asks nothing, and asks at once when it is seen again", async () => {
  const browser = await Browser.open(node);
  const { page } = browser;
  await page.clock.install();
  await browser.enter(admin, "mesh");
  await browser.rows("Links");
  let asked = 0;
  page.on("request", (request) => (asked += request.url().includes("/admin/links") ? 1 : 0));
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  await page.clock.runFor(600_000);
  await page.evaluate(() => fetch("/readyz"));
  assert.equal(asked, 0);
  await hide(false);
  await page.clock.runFor(10);
  await until("it asked", () => asked === 1);
  await page.clock.runFor(11_000);
  await until("it asks on", () => asked > 1);
  await browser.close();
});

story("what is read again and again is one row of the audit log, with how often and since when", async () => {
  const token = await node.steward("watcher", "report-admin");
  const ask = async (path) => assert.equal((await node.admin(path, { token })).status, 200);
  for (let i = 0; i < 7; i++) await ask("/admin/requests?caller=app");
  await ask("/admin/requests?caller=slow");
  // Who reads the log through the daemon has it whole.
  await node.admin("/admin/audit", { token: admin });
  const rows = (await node.audit("--actor", "watcher")).map(({ what, times, since, at, outcome }) => ({ what, times, outcome, ordered: since === null || since <= at }));
  const one = (what, times) => ({ what, times, outcome: "done", ordered: true });
  assert.deepEqual(rows, [one("caller=app", 6), one("caller=slow", 0), one("caller=app", 0)]);
  await visit(node, admin, "audit?actor=watcher", async (browser) => {
    const told = (await browser.rows("Audit log")).map((cells) => [cells[4], cells[6]]);
    assert.match(told[0][1], /^6 × since \d\d-\d\d \d\d:\d\d:\d\d$/);
    assert.deepEqual(told.slice(1), [["caller=slow", ""], ["caller=app", ""]]);
  });
  assert.equal((await node.tries("audit", "verify")).code, 0);
});

story("who may see a team alone sees that, and who has no page is told so", async () => {
  const finn = await egress.steward("finn", "report-admin", "--team", "search");
  await visit(egress, finn, "requests", async (browser, page) => {
    const calls = await browser.rows("Requests");
    assert.ok(calls.length > 0 && calls.every(([, , team]) => team === "search"));
    await browser.goTo("spend?from=24h&by=team");
    assert.deepEqual((await browser.rows("Spend by Team")).map(([team]) => team), ["search"]);
    await browser.goTo("limits");
    assert.ok((await browser.rows("Holders of limits")).every(([who]) => !/payments/.test(who)));
    await browser.goTo("decisions");
    await page.getByText("Only a node has this page, and this is an egress.").waitFor();
  });
  const carl = await node.steward("carl", "capture-admin");
  await visit(node, carl, "overview", async (browser, page) => {
    await page.getByText("No page is for this role.").waitFor();
    assert.deepEqual(await browser.faults(), []);
  });
  const tom = await node.steward("tom", "token-admin");
  await visit(node, tom, "overview", async (browser, page) => {
    await page.getByText("What you may do here").waitFor();
    await page.getByRole("main").getByRole("link", { name: "Admin tokens" }).click();
    await browser.rows("Admin tokens");
  });
});

story("colours are as the system has them until someone chooses", async () => {
  await visit(node, admin, "overview", async (browser, page) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.getByLabel("Colours").selectOption("light");
    assert.equal(await ground(), light);
    await page.emulateMedia({ colorScheme: "light" });
    await page.getByLabel("Colours").selectOption("dark");
    assert.equal(await ground(), dark);
    await page.reload();
    await page.getByLabel("Colours").waitFor();
    assert.equal(await ground(), dark);
  });
});

story("a chart's figures are reached by keys", async () => {
  await visit(node, admin, "performance?from=24h", async (browser, page) => {
    await page.locator(".uplot canvas").first().waitFor();
    const summary = page.getByText("The figures as a table").first();
    await summary.focus();
    await page.keyboard.press("Enter");
    assert.equal((await browser.rows("Head read to first content, as a table")).length, 25);
    assert.deepEqual(await browser.faults(), []);
  });
});
