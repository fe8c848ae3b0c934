// The pages at /admin/, in a browser, with what a mesh really did.
import assert from "node:assert/strict";

import { Authority, Caller, mesh, story, until } from "./lab.mjs";
import { Browser } from "./lab/browser.mjs";

const OWN = "own/gpt-oss";
const FAR = "openai/gpt-5-mini";

const authority = await new Authority().make();
await authority.issue("central");
const lab = await mesh({
  egress: { admin_tls: authority.paths },
  start: false,
  node: {
    tiers: { agent: { limits: { concurrent: 8 }, budget: { day_requests: 500 }, shaping: { rpm: 600, burst: 12 } } },
    projects: { checkout: { budget: { month_usd: 40 } } },
  },
  groups: { pair: { strategy: "failover", targets: [OWN, FAR] } },
});
const { egress, node, provider } = lab;
egress.secureOperators(authority);
await lab.start();
const app = await node.caller("app", { groups: ["pair", "assistant", "own"], user: "ada", project: "checkout", tier: "agent" });
const bot = await node.caller("bot", { groups: ["own"], user: "bob", project: "search" });

// What there is to see: 8 that went well, one of them by a second target, and
// one that failed.
for (let i = 0; i < 4; i++) await app.ask(provider.says(`prompt=${100 + i} tokens=3 completion=20`), { model: "assistant" });
for (let i = 0; i < 3; i++) await bot.ask(provider.says("prompt=50 tokens=2"));
await provider.script("for_model=gpt-oss times=1 status=429 body=rate retry_after=1");
const { id: fellBack } = await app.ask(provider.says("tokens=5"), { model: "pair" });
const { id: failed } = await app.refused(provider.refuses(400, "invalid"), { model: "assistant" });

const admin = await node.steward("ada", ["report-admin", "token-admin", "operator"]);
const finance = await node.steward("finn", "report-admin", "--project", "checkout");

// A member's pages in a browser that is closed afterwards, and found no fault.
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

const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

story("what is not signed in gets a form, and a token makes it a session that no script can read", async () => {
  const browser = await Browser.open(node);
  const { page } = browser;
  await browser.goTo("requests");
  await page.getByLabel("Admin token").waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
  assert.deepEqual(await browser.faults(), []);
  await browser.picture("signin");

  await browser.signIn("gsra_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  await page.getByRole("alert").getByText("Not signed in").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /this token is not known here/);
  assert.equal(browser.wrong.length, 1); // Chromium's own line about the 401
  browser.wrong.length = 0;

  await browser.signIn(admin);
  await heading(page, "Requests");
  const [cookie, ...more] = await browser.context.cookies();
  assert.deepEqual(more, []);
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path, cookie.expires], [true, "Strict", "/admin", -1]);
  assert.ok(!cookie.value.includes(admin.slice(5)));
  const kept = await page.evaluate(() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.documentElement.outerHTML].join("\n"));
  assert.ok(!kept.includes(admin) && !kept.includes(cookie.value));

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Admin token").waitFor();
  assert.deepEqual(await browser.context.cookies(), []);
  assert.equal(await page.evaluate(() => fetch("/admin/requests").then(({ status }) => status)), 401);
  await browser.close();
});

story("requests are narrowed by filters that the address keeps, and open to their attempts and receipt", async () => {
  await visit(node, admin, "requests", async (browser, page) => {
    assert.equal((await browser.rows("Requests")).length, 9);
    await page.getByLabel("Caller").selectOption("bot");
    await page.getByText("3 of them").waitFor();
    assert.match(page.url(), /#\/requests\?caller=bot$/);
    assert.ok((await browser.rows("Requests")).every(([, , caller]) => caller === "bot"));
    await page.reload();
    assert.equal((await browser.rows("Requests")).length, 3);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByText("9 of them").waitFor();
    await page.getByLabel("Outcome").selectOption("any");
    await page.getByText("1 of them").waitFor();
    assert.match((await browser.rows("Requests"))[0][1], /^400 provider-refused$/);
    await page.goBack();
    await page.getByText("9 of them").waitFor();

    await page.getByLabel("Group").selectOption("pair");
    await page.getByText("1 of them").waitFor();
    await page.getByRole("region", { name: "Requests" }).getByRole("link").first().press("Enter");
    await heading(page, "Request");
    await page.getByText(fellBack).waitFor();
    const attempts = await browser.rows("Attempts");
    assert.deepEqual(attempts.map((cells) => cells.slice(1, 6)), [
      [OWN, "this node", "429 upstream-rate-limited", "", ""], [FAR, "central", "200", "rate-limited", "verified"]]);
    assert.deepEqual((await browser.rows("Candidates")).map((cells) => cells.slice(0, 2)), [[OWN, "1"], [FAR, "2"]]);
    await page.getByText("signature, place in the chain and figures were right when it came").waitFor();
    const told = await node.explain(fellBack);
    const text = await page.locator("main").textContent();
    assert.ok(text.includes(told.receipts[0].chain) && text.includes(told.receipts[0].answer_hash));
    await browser.picture("request");
    const { name, text: file } = await browser.saves(() => page.getByRole("link", { name: "JSON" }).click());
    assert.equal(name, `${fellBack}.json`);
    assert.equal(JSON.parse(file).attempts.length, 2);
  });
});

story("what is shown can be had as a file", async () => {
  await visit(node, admin, "requests?group=assistant", async (browser, page) => {
    await browser.rows("Requests");
    const { name, text } = await browser.saves(() => page.getByRole("button", { name: "CSV" }).click());
    assert.equal(name, "payments-requests.csv");
    const [head, ...lines] = text.trimEnd().split("\n");
    assert.ok(head.startsWith("id,state,received_at,caller"));
    assert.equal(lines.length, 5);
    assert.ok(lines.some((line) => line.startsWith(failed)));
    const { text: json } = await browser.saves(() => page.getByRole("button", { name: "JSON" }).click());
    assert.equal(JSON.parse(json).length, 5);
  });
});

story("two groups are held against each other: one way for all, and routed", async () => {
  await visit(node, admin, "comparison", async (browser, page) => {
    await page.getByText("Choose two groups.").waitFor();
    await page.getByLabel("Fixed group").selectOption("own");
    await page.getByLabel("Routed group").selectOption("assistant");
    const figures = await browser.rows("Figures");
    assert.match(page.url(), /fixed=own&routed=assistant|routed=assistant&fixed=own/);
    assert.deepEqual(figures[0], ["requests", "3", "5", "+2", "+66.7 %"]);
    assert.deepEqual(figures[1], ["succeeded", "100.0 %", "80.0 %", "−20.0 points", "–"]);
    assert.deepEqual((await browser.rows("Targets")).map((cells) => cells.slice(0, 4)).sort(), [
      [FAR, "0", "0.0 %", "5"], [OWN, "3", "100.0 %", "0"]]);
    assert.deepEqual((await browser.rows("Errors")).map(([name, fixed, , routed]) => [name, fixed, routed]), [["provider-refused", "0", "1"]]);
    await page.getByText("They are not paired").waitFor();
    assert.deepEqual(await browser.faults(), []);
    await browser.picture("comparison");
    const { name, text } = await browser.saves(() => page.getByRole("link", { name: "CSV" }).click());
    assert.equal(name, "payments-comparison.csv");
    assert.match(text, /^figure,requests,number,3,5,2,66\.6/m);
    await page.reload();
    assert.equal((await browser.rows("Figures")).length, figures.length);
  });
});

story("spend and times are the ledger's", async () => {
  await visit(node, admin, "overview", async (browser, page) => {
    const rows = await node.rows();
    const spent = rows.reduce((sum, row) => sum + row.cost_microusd, 0);
    await page.getByText("Spend by group").waitFor();
    await page.locator(".uplot canvas").first().waitFor();
    assert.match(await page.locator(".cards").textContent(), /Failed11\.1 %1 of 9/);

    await browser.goTo("spend?from=24h&by=caller");
    const table = await browser.rows("Spend by Caller");
    assert.deepEqual(table.map(([name, count]) => [name, count]).toSorted(), [["app", "6"], ["bot", "3"]]);
    const { text } = await browser.saves(() => page.getByRole("link", { name: "JSON" }).click());
    assert.equal(JSON.parse(text).total.cost_microusd, spent);
    await page.getByLabel("Project").fill("checkout");
    await page.getByLabel("Project").press("Enter");
    await until("only its caller is left", async () => (await browser.rows("Spend by Caller")).length === 1);
    assert.match(page.url(), /project=checkout/);
    await page.getByText("The figures as a table").click();
    assert.equal((await browser.rows("USD an hour, as a table")).length, 25);

    await browser.goTo(`spend?from=24h&by=target&baseline=openai/gpt-5`);
    const saved = Object.fromEntries((await browser.rows("Spend by Target")).map(([target, ...cells]) => [target, cells.slice(5, 7)]));
    // The larger model of the same price book is dearer; one's own has no such.
    assert.equal(saved[OWN][1], "$0.00");
    assert.match(saved[FAR][1], /^\$0\.0\d+$/);
    assert.match(await page.locator(".cards").textContent(), /Saved\$0\.0\d+/);

    await browser.goTo("performance?from=24h");
    const performance = await browser.rows("Performance by Target");
    assert.deepEqual(performance.map(([target]) => target).toSorted(), [FAR, OWN]);
    assert.ok(performance.every((cells) => /\d (µs|ms|s)$/.test(cells.at(-2))), JSON.stringify(performance));
  });
});

story("a token is made and taken back on the page", async () => {
  await visit(node, admin, "callers", async (browser, page) => {
    await page.getByRole("button", { name: "New token" }).click();
    const dialog = page.getByRole("dialog", { name: "New token" });
    await dialog.getByLabel("Name").fill("batch");
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.getByText("A token is for one group at least.").waitFor();
    await dialog.getByLabel("own", { exact: true }).check();
    await dialog.getByLabel("Project").fill("nightly");
    await browser.picture("new-token");
    assert.deepEqual(await browser.faults(), []);
    await dialog.getByRole("button", { name: "Create" }).click();
    const shown = page.getByRole("dialog", { name: "The new token" });
    const token = await shown.locator("code").textContent();
    assert.match(token, /^gsr_/);
    assert.equal((await new Caller(node, token, "own").ask(provider.says("tokens=1"))).text, "t0 ");
    await shown.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Revoke batch" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("2 active, 1 expired or revoked").waitFor();
    assert.equal((await new Caller(node, token, "own").refused(provider.says())).status, 403);
  });
});

story("limits are live, and a target is taken out of use and brought back", async () => {
  await visit(node, admin, "limits", async (browser, page) => {
    const budgets = (await browser.rows("Budgets")).map(([who, budget, , , , , limit]) => [who, budget, limit]);
    assert.deepEqual(budgets, [["caller app", "day, requests", "500"], ["project checkout", "month, USD", "$40.00"]]);
    assert.match((await browser.rows("Gates"))[0].join(), /^caller app/);
    await page.getByRole("button", { name: "Live" }).click();
    assert.equal(await page.getByRole("button", { name: "Live" }).getAttribute("aria-pressed"), "false");

    await browser.goTo("mesh");
    const links = await browser.rows("Links");
    assert.ok(links.length > 0 && links.every(([peer, state]) => `${peer} ${state}` === "central up"), JSON.stringify(links));
    await page.getByRole("button", { name: `Disable ${OWN}` }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Why").fill("incident 4711");
    await dialog.getByRole("button", { name: "Disable" }).click();
    await page.getByRole("button", { name: `Enable ${OWN}` }).waitFor();
    const [, target] = JSON.parse(await node.says("get", "targets", "--json")).toSorted((a, b) => a.target.localeCompare(b.target));
    assert.deepEqual([target.target, target.state, target.disabled_by, target.why], [OWN, "disabled", "ada", "incident 4711"]);
    await page.getByRole("button", { name: `Enable ${OWN}` }).click();
    await page.getByRole("button", { name: `Disable ${OWN}` }).waitFor();

    await browser.goTo("audit?action=targets");
    const done = (await browser.rows("Audit log")).map(([, , who, action, about]) => [who, action, about]);
    assert.deepEqual(done, [["ada", "POST /admin/targets/enable", OWN], ["ada", "POST /admin/targets/disable", OWN]]);
  });
});

story("a role sees its own pages, and the others are refused by the page and by the daemon", async () => {
  await visit(node, finance, "requests", async (browser, page) => {
    const menu = await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link").allTextContents();
    assert.ok(menu.includes("Requests"));
    for (const not of ["Decisions", "Callers and tokens", "Mesh", "Admin tokens", "Audit"]) assert.ok(!menu.includes(not), not);
    await page.getByText("report-admin of checkout").waitFor();
    // Of its project alone.
    assert.ok((await browser.rows("Requests")).every(([, , caller]) => caller === "app"));
    await browser.goTo("callers");
    await page.getByRole("alert").getByText("Not for your roles").waitFor();
    await page.getByText('It needs the role token-admin; your token "finn" has report-admin.').waitFor();
    assert.deepEqual(await browser.faults(), []);
    const tried = await page.evaluate(async () => {
      const { csrf } = await (await fetch("/admin/session")).json();
      const answer = await fetch("/admin/tokens", { method: "POST", body: "{}", headers: { "X-GSR-CSRF": csrf } });
      return [answer.status, await answer.text()];
    });
    assert.equal(tried[0], 403);
    assert.match(tried[1], /this needs token-admin/);
    browser.wrong.splice(0, 1); // Chromium's own line about the 403
  });
});

// A session as a program would use it: its cookie and the word for changes.
async function sessionOf(member, token) {
  const base = `http://127.0.0.1:${member.at.admin_port}`;
  const opened = await fetch(`${base}/admin/session`, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  assert.equal(opened.status, 201);
  const cookie = opened.headers.get("set-cookie").split(";")[0];
  const ask = (method, path, headers = {}) => fetch(base + path, { method, headers: { cookie, ...headers } });
  const { csrf } = await (await ask("GET", "/admin/session")).json();
  return { base, csrf, ask };
}

story("a session changes something for a page from here alone, and ends with its token", async () => {
  const token = await node.steward("brief", ["operator", "report-admin"]);
  const { base, csrf, ask } = await sessionOf(node, token);
  const reload = async (headers) => (await ask("POST", "/admin/reload", headers)).status;
  assert.equal((await ask("GET", "/admin/requests")).status, 200);
  assert.equal(await reload({}), 401);
  assert.equal(await reload({ "X-GSR-CSRF": csrf }), 401);
  assert.equal(await reload({ Origin: base }), 401);
  assert.equal(await reload({ "X-GSR-CSRF": `x${csrf.slice(1)}`, Origin: base }), 401);
  assert.equal(await reload({ "X-GSR-CSRF": csrf, Origin: "http://elsewhere.example" }), 401);
  assert.equal(await reload({ "X-GSR-CSRF": csrf, Origin: base, "Sec-Fetch-Site": "cross-site" }), 401);
  assert.equal(await reload({ "X-GSR-CSRF": csrf, Origin: base }), 200);

  await node.says("token", "revoke", "brief", "--admin");
  assert.equal((await ask("GET", "/admin/requests")).status, 401);
  assert.equal((await (await ask("GET", "/admin/session")).json()).name, null);
});

story("a page whose token is revoked meanwhile asks for another", async () => {
  const token = await node.steward("short", ["operator", "report-admin"]);
  const browser = await Browser.open(node);
  await browser.enter(token, "requests");
  await node.says("token", "revoke", "short", "--admin");
  await browser.goTo("mesh");
  await browser.page.getByLabel("Admin token").waitFor();
  await browser.close();
});

story("pages are whole, guarded and kept only while they are the same", async () => {
  const url = `http://127.0.0.1:${node.at.admin_port}/admin/`;
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  const policy = answer.headers.get("content-security-policy");
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part));
  assert.ok(!policy.includes("unsafe"));
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal((await fetch(url, { headers: { "If-None-Match": answer.headers.get("etag") } })).status, 304);
  assert.equal((await fetch(`${url}page/../../etc/passwd`)).status, 401);
  const head = await fetch(url, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
});

const PLACES = ["overview", "spend", "performance", "requests", `request/${fellBack}`, "limits", "decisions", "callers", "mesh", "admins", "audit", "nowhere"];

for (const [scheme, width] of [["light", 1440], ["dark", 1440], ["light", 360], ["dark", 768], ["dark", 2560]]) {
  story(`everyone can read the pages: ${scheme}, ${width} wide`, async () => {
    await visit(node, admin, "overview", async (browser, page) => {
      for (const place of PLACES) {
        await browser.goTo(place);
        await page.locator("main h1").waitFor();
        await browser.settled();
        assert.deepEqual(await browser.faults(), [], place);
        assert.ok((await browser.overflow()) <= 0, `${place} is wider than the screen`);
        await browser.picture(place.split("/")[0]);
      }
    }, { scheme, width });
  });
}

story("a page is used by keys alone", async () => {
  await visit(node, admin, "requests", async (browser, page) => {
    await page.reload();
    await browser.rows("Requests");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.getByRole("link", { name: "Audit" }).press("Enter");
    await heading(page, "Audit");
    await until("its heading is told", () => page.evaluate(() => document.activeElement.textContent === "Audit"));
    await page.getByRole("link", { name: "Requests", exact: true }).press("Enter");
    await browser.rows("Requests");
    const sort = page.getByRole("columnheader", { name: "Cost" }).getByRole("button");
    await sort.focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.getByRole("columnheader", { name: "Cost" }).getAttribute("aria-sort"), "descending");
    await page.keyboard.press("Space");
    assert.equal(await page.getByRole("columnheader", { name: "Cost" }).getAttribute("aria-sort"), "ascending");
  });
});

story("older requests are a page further", async () => {
  await Promise.all(Array.from({ length: 60 }, () => bot.ask(provider.says("tokens=1"))));
  await visit(node, admin, "requests?caller=bot", async (browser, page) => {
    const ids = async () => {
      const { text } = await browser.saves(() => page.getByRole("button", { name: "JSON" }).click());
      return JSON.parse(text).map(({ id }) => id);
    };
    assert.equal((await browser.rows("Requests")).length, 50);
    const newest = await ids();
    await page.getByRole("link", { name: "Older" }).click();
    await page.getByText("13 of them").waitFor();
    const older = await ids();
    assert.ok(older.every((id) => id < newest.at(-1)));
    assert.match(page.url(), /caller=bot&before=req_/);
    await page.getByRole("link", { name: "Newest" }).click();
    await page.getByText("50 of them").waitFor();
  });
});

story("an egress has its pages, too, by HTTPS", async () => {
  const eve = await egress.steward("eve", ["report-admin", "operator"]);
  await visit(egress, eve, "requests", async (browser, page) => {
    const calls = await browser.rows("Requests");
    assert.ok(calls.length >= 5 && calls.every(([, , team, origin]) => team === "payments" && origin === "payments"));
    for (const place of ["overview", "spend", "performance", "requests", "limits", "mesh", "admins", "audit"]) {
      await browser.goTo(place);
      await page.locator("main h1").waitFor();
      await browser.settled();
      assert.deepEqual(await browser.faults(), [], place);
      await browser.picture(`egress-${place}`);
    }
    await browser.goTo("limits");
    assert.ok((await browser.rows("Provider accounts")).some(([account]) => account === FAR));
    const [cookie] = await browser.context.cookies();
    assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.sameSite], [true, true, "Strict"]);
  });
});

story("who guesses tokens has to wait, and who has one goes on", async () => {
  const { ask } = await sessionOf(node, admin);
  const url = `http://127.0.0.1:${node.at.admin_port}/admin/session`;
  const guess = () => fetch(url, { method: "POST", headers: { Authorization: "Bearer gsra_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB" } });
  const statuses = [];
  for (let i = 0; i < 12; i++) statuses.push((await guess()).status);
  assert.ok(statuses.includes(401) && statuses.at(-1) === 429, statuses.join());
  assert.equal((await ask("GET", "/admin/requests")).status, 200);
});
