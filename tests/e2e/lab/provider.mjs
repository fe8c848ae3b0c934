// provider: the scripted provider.  What it is to do with a call is said by
// words in the call itself, so stories do not disturb each other:
//
//     const words = provider.breaksAfter(3);     what the caller will send
//     await caller.stream(words);
//     await provider.callOf(words)               what the provider got
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { binary, launch } from "./program.mjs";

export class Provider {
  async start(place) {
    this.logFile = join(place, "provider.log");
    this.child = launch(process.env.SIM ?? binary("sim"), ["--log", this.logFile]);
    this.child.stderr.resume();
    const line = await new Promise((resolve, reject) => {
      this.child.stdout.once("data", resolve);
      this.child.gone.then(({ error }) => reject(error ?? new Error("the provider ended")));
    });
    this.port = JSON.parse(line).port;
    return this;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  get url() {
    return `${this.origin}/v1`;
  }

  // A prompt that carries the words of a script and a mark of its own.
  says(script = "") {
    const tag = randomUUID();
    return { tag, text: `hello [[sim tag=${tag} ${script}]]` };
  }

  refuses(status, body = "server", script = "") {
    return this.says(`status=${status} body=${body} ${script}`);
  }

  breaksAfter(place, script = "") {
    return this.says(`cut_after=${place} ${script}`);
  }

  stallsAfter(place, script = "") {
    return this.says(`stall_after=${place} ${script}`);
  }

  async ask(path, init) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/sim/${path}`, init);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`the provider says ${answer.status}: ${text}`);
    return text;
  }

  // For what no caller can say: words for the next calls of anyone.
  async script(words) {
    await this.ask("script", { method: "POST", body: words });
  }

  // { calls, open_calls, … }
  async count() {
    return JSON.parse(await this.ask("count"));
  }

  async calls(prompt) {
    const all = JSON.parse(await this.ask("calls"));
    return prompt ? all.filter((call) => call.tag === prompt.tag) : all;
  }

  // The calls that this prompt led to, so many.
  async callsOf(prompt, count) {
    const calls = await this.calls(prompt);
    if (calls.length !== count) throw new Error(`the provider was called ${calls.length} times, not ${count}`);
    return calls;
  }

  async callOf(prompt) {
    return (await this.callsOf(prompt, 1))[0];
  }

  // What it was sent in one of the latest calls.
  async bodyOf({ n }) {
    return this.ask(`calls/${n}/body`);
  }

  async lastBody() {
    return this.ask("calls/last/body");
  }

  async lastHeaders() {
    return this.ask("calls/last/headers");
  }

  // Written before each answer, so it is whole whatever was killed.
  log() {
    return readFileSync(this.logFile, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  async stop() {
    this.child.kill("SIGKILL");
    await this.child.gone;
  }
}
