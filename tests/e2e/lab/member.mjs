// member: one running gsr-node or gsr-egress, and what an operator asks it.
import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { Caller } from "./caller.mjs";
import { binary, launch, must, run } from "./program.mjs";
import { until } from "./wait.mjs";

const LAST_LINES = 25;

export class Member {
  child = null;
  lines = [];
  fetch = globalThis.fetch;
  partial = "";

  constructor({ program, name, place, topology, options = [] }) {
    Object.assign(this, { program, name, topology, options });
    this.state = join(place, name);
    this.logFile = join(place, `${name}.log`);
  }

  // Commands of this member's program about its state: { code, out, err }.
  async tries(...words) {
    return run(binary(this.program), [...words, "--state", this.state]);
  }

  async says(...words) {
    return must(binary(this.program), [...words, "--state", this.state]);
  }

  async keep(secret, value) {
    await must(binary(this.program), ["secret", "set", secret, "--state", this.state], value);
  }

  // { code, out, err } of putting a value in the place of a secret's.
  async rotate(secret, value) {
    return run(binary(this.program), ["secret", "rotate", secret, "--state", this.state], value);
  }

  launch() {
    if (this.running) throw new Error(`${this.name} runs already`);
    this.child = launch(binary(this.program), [
      "serve", "--state", this.state, "--topology", this.topology, ...this.options]);
    this.child.stdout.setEncoding("utf8").on("data", (text) => this.note(text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => this.note(text));
  }

  note(text) {
    const lines = (this.partial + text).split("\n");
    appendFileSync(this.logFile, text);
    this.partial = lines.pop();
    this.lines.push(...lines);
  }

  // Until it serves, or until it is ready: a node has its link and catalog.
  async start({ ready = true } = {}) {
    rmSync(join(this.state, "run.json"), { force: true });
    this.launch();
    this.at = await until(`${this.name} serves`, () => {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}`);
      const at = JSON.parse(readFileSync(join(this.state, "run.json"), "utf8"));
      return at.pid === this.child.pid && at;
    });
    if (ready) await this.ready();
    else await until(`${this.name} is alive`, async () => (await this.admin("/healthz")).status === 200);
    return this;
  }

  async ready() {
    await until(`${this.name} is ready`, async () => {
      const { status, text } = await this.admin("/readyz");
      if (status !== 200) throw new Error(text);
      return true;
    });
  }

  // A start that has to fail: { code, why }.
  async refusesToStart() {
    const from = this.lines.length;
    this.launch();
    const { code } = await this.child.gone;
    return { code, why: [...this.lines.slice(from), this.partial].join("\n") };
  }

  get port() {
    return this.at.port;
  }

  // From now on its callers come by TLS and trust this authority.
  secure(authority) {
    this.authority = authority;
    this.fetch = authority.fetch;
  }

  // The same of those who ask its operator listener; none: by plain HTTP.
  secureOperators(authority) {
    this.operators = authority;
  }

  get url() {
    return `${this.authority ? "https" : "http"}://127.0.0.1:${this.at.port}`;
  }

  // The operator listener: { status, text }.
  async admin(path, { method = "GET", token, body } = {}) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const [scheme, fetch] = this.operators ? ["https", this.operators.fetch] : ["http", globalThis.fetch];
    const answer = await fetch(`${scheme}://127.0.0.1:${this.at.admin_port}${path}`, { method, headers, body });
    return { status: answer.status, text: await answer.text() };
  }

  // An admin token with these roles.
  async steward(name, roles, ...more) {
    const words = [roles].flat().flatMap((role) => ["--role", role]);
    return (await this.says("token", "create", name, ...words, ...more)).trim();
  }

  // The audit log, newest first.
  async audit(...more) {
    return JSON.parse(await this.says("get", "audit", "--json", "--limit", "50000", ...more));
  }

  get running() {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  // SIGTERM, and how it ended.
  async stop() {
    if (this.running) this.child.kill("SIGTERM");
    return this.child?.gone;
  }

  // For good: what was wrong with it, or nothing.
  async end() {
    const late = setTimeout(() => this.child?.kill("SIGKILL"), 30_000);
    const was = this.running;
    const end = await this.stop();
    clearTimeout(late);
    const broken = this.lines.find((line) => /Sanitizer|runtime error:|Assertion `/.test(line));
    if (broken || (was && end.code !== 0))
      return `${this.name} ended with ${JSON.stringify(end)}: ${broken ?? ""}\n${this.lastLines()}`;
  }

  async kill() {
    if (this.running) this.child.kill("SIGKILL");
    await this.child?.gone;
  }

  // A signal, and the line that says what came of it: "" or the reasons.
  async reload() {
    const from = this.lines.length;
    this.child.kill("SIGHUP");
    return until(`${this.name} reloads`, () => {
      const line = this.lines.slice(from).find((l) => /topology loaded|reload refused/.test(l));
      return line && { refused: line.includes("reload refused"), why: JSON.parse(line).why ?? "" };
    });
  }

  async version() {
    return JSON.parse((await this.admin("/version")).text);
  }

  // Newest first: requests of a node, attempts of an egress.
  async rows(limit = 1000) {
    return JSON.parse(await this.says("get", "requests", "--json", "--limit", String(limit)));
  }

  // { request, attempts, receipts } of one request.
  async explain(id) {
    return JSON.parse(await this.says("explain", id, "--json"));
  }

  async counters() {
    return JSON.parse(await this.says("get", "counters", "--json"));
  }

  async verify() {
    return run(binary(this.program), [
      "ledger", "verify", "--state", this.state, "--topology", this.topology, "--json"]);
  }

  // A caller with a token of its own; `model` is what it asks for.
  async caller(name, { groups, model = groups[0], user, project, tier, more = [] }) {
    const whose = Object.entries({ user, project, tier }).flatMap(([key, value]) => (value ? [`--${key}`, value] : []));
    const token = await this.says("token", "create", name, "--groups", groups.join(","), ...whose, ...more);
    return new Caller(this, token.trim(), model);
  }

  // What happened to targets and requests, newest first.
  async events(limit = 1000) {
    return JSON.parse(await this.says("get", "events", "--json", "--limit", String(limit)));
  }

  // Memory that is this process's own, in KiB.
  memory() {
    return Number(readFileSync(`/proc/${this.child.pid}/status`, "utf8").match(/RssAnon:\s+(\d+)/)[1]);
  }

  lastLines() {
    return [`--- ${this.name}, last lines:`, ...this.lines.slice(-LAST_LINES), this.partial].join("\n");
  }
}
