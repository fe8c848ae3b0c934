// browser: an operator's Chromium at the pages of a member. What a page logs as
// an error, or asks of another host, is remembered: there should be none.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after } from "node:test";
import { chromium } from "playwright-core";

const PATH = process.env.GSR_CHROMIUM ?? "/usr/bin/chromium";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// Nothing of Chromium's own should go out, and the sandbox wants a user.
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

let program;

after(async () => (await program)?.close());

async function start() {
  if (!existsSync(PATH)) throw new Error(`there is no ${PATH}: run scripts/deps test`);
  return chromium.launch({ executablePath: PATH, args: ARGS });
}

export class Browser {
  wrong = [];

  // One with nothing in it; `scheme` is light or dark.
  static async open(member, { scheme = "light", width = 1280, height = 900 } = {}) {
    program ??= start();
    const browser = new Browser();
    browser.member = member;
    browser.name = `${member.name}-${scheme}-${width}`;
    browser.context = await (await program).newContext({
      colorScheme: scheme, viewport: { width, height }, acceptDownloads: true, ignoreHTTPSErrors: Boolean(member.operators),
    });
    browser.page = await browser.context.newPage();
    browser.page.on("console", (line) => line.type() === "error" && browser.wrong.push(line.text()));
    browser.page.on("pageerror", (error) => browser.wrong.push(error.stack));
    browser.page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== browser.origin)
        browser.wrong.push(`asked ${request.url()}`);
    });
    return browser;
  }

  get origin() {
    return `${this.member.operators ? "https" : "http"}://127.0.0.1:${this.member.at.admin_port}`;
  }

  // A page by its address behind the #.
  async goTo(place = "overview") {
    await this.page.goto(`${this.origin}/admin/#/${place}`);
    return this;
  }

  async signIn(token) {
    await this.page.getByLabel("Admin token").fill(token);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async enter(token, place) {
    await this.goTo(place);
    await this.signIn(token);
    await this.page.getByRole("navigation", { name: "Pages", exact: true }).waitFor();
    return this;
  }

  // When nothing is being asked for any more.
  async settled() {
    await this.page.locator(".loading, [aria-busy]").first().waitFor({ state: "detached" });
    return this;
  }

  // A table's body as texts.
  async rows(caption) {
    const table = this.page.getByRole("region", { name: caption, exact: true });
    await table.waitFor();
    return table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  }

  // What a link or button saves: { name, text }.
  async saves(act) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), act()]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
  }

  // Faults that keep someone from using the page, by axe.
  async faults() {
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    if (found.passes.length === 0) throw new Error("axe looked at nothing");
    return found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
      .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  }

  // How much wider the page is than the screen.
  async overflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  }

  // For people to look at, where GSR_SHOTS names a folder.
  async picture(what) {
    if (!process.env.GSR_SHOTS) return;
    mkdirSync(process.env.GSR_SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(process.env.GSR_SHOTS, `${what}-${this.name}.png`), fullPage: true });
  }

  async close() {
    await this.context.close();
  }
}
