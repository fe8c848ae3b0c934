// load: callers that ask all the time, each with a mark of its own that the
// provider's log and the node's rows share.
import { randomUUID } from "node:crypto";

const loads = new Set();

// Also those whose story failed before it could.
export const stopLoads = () => Promise.all([...loads].map((load) => load.stop()));

export class Load {
  asked = [];
  failed = [];
  on = true;

  // `streams`: every other request is one.
  constructor(callers, { streams = true, script = "tokens=3" } = {}) {
    this.script = script;
    loads.add(this);
    this.loops = callers.map((caller, i) => this.loop(caller, streams && i % 2 === 1));
  }

  async loop(caller, stream) {
    while (this.on) {
      const tag = randomUUID();
      const words = { tag, text: `hello [[sim tag=${tag} ${this.script}]]` };
      this.asked.push(tag);
      try {
        const headers = { "x-request-id": tag };
        if (!stream) await caller.ask(words, {}, headers);
        else {
          const { error } = await caller.stream(words, {}, headers).end;
          if (error) throw error;
        }
      } catch (error) {
        this.failed.push({ tag, error });
        // Nobody listens or serves for a moment: do not turn in circles.
        if ([undefined, 503].includes(error.status)) await new Promise((ok) => setTimeout(ok, 20));
      }
    }
  }

  async stop() {
    loads.delete(this);
    this.on = false;
    await Promise.all(this.loops);
  }
}
