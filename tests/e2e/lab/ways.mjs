// ways: the ways of a client to an answer.  One leads straight to the
// provider, as a yardstick; three lead through a node whose every model is
// served by a target of one dialect.  A story is told on each:
//
//     const { each, lab } = await ways();
//     each("a greeting", (way) => ask(way), (got, straight, way) => { … });
import { randomBytes } from "node:crypto";

import { Fresh, numbered } from "./fresh.mjs";
import { mesh, PRICE } from "./mesh.mjs";
import { story } from "./story.mjs";

export const DIALECTS = {
  chat: { type: "openai", path: "/v1/chat/completions" },
  responses: { type: "openai", path: "/v1/responses" },
  messages: { type: "anthropic", path: "/v1/messages" },
};

export const DROPS = ["hints", "sampling", "stop", "hosted_tools", "reasoning", "history", "citations", "unknown"];

// What clients insist on: Claude Code knows models by the start of their
// names, Codex by all of it.
const ALIASES = [
  "gpt-5", "gpt-5.5", "gpt-6.1-sol", "claude-opus-5-5", "claude-sonnet-4-5", "claude-haiku-4-5-20251001", "router-test-model",
];

const MODEL = { price: PRICE, max_output: 128000, supports: ["tools", "images", "documents", "json_schema", "reasoning"] };

// At the provider, in a dialect.  A fresh model has an account of its own: what
// is said of key or money is said of all models of an account.
const freshOf = (dialect, at, fresh) => Object.fromEntries(Array.from({ length: fresh }, (_, n) =>
  [`${dialect}-${n}`, { ...providerOf(dialect, at), models: { [`fresh-${n}`]: MODEL } }]));

const providerOf = (dialect, at) => ({
  type: DIALECTS[dialect].type, dialects: [dialect], base_url: `${at.origin}/${dialect}/v1`, api_key: "secret/provider",
  models: { [`${dialect}-model`]: MODEL },
});

// `coder` is as an indulgent team has it, `careful` allows no loss, `mindful`
// remembers answers; `fresh` ones have each a target of their own.
function groupsOf(dialect, { fresh, drop }) {
  const target = { strategy: "static", targets: [`${dialect}/${dialect}-model`] };
  return {
    coder: { ...target, display_name: `Coder on ${dialect}`, aliases: ALIASES, drop: DROPS },
    careful: { ...target, drop: [] },
    mindful: { ...target, drop: DROPS, responses_state: { ttl: "10m", max: "16MiB" } },
    ...numbered(fresh, "fresh", (n) => ({ strategy: "static", targets: [`${dialect}-${n}/fresh-${n}`], drop })),
  };
}

const encoded = (text) => Buffer.from(text).toString("base64");

class Way {
  constructor(lab, fields) {
    Object.assign(this, { lab, provider: lab.provider }, fields);
  }

  get straight() {
    return !this.dialect;
  }

  get url() {
    return this.straight ? `${this.provider.origin}/straight` : this.node.url;
  }

  // What the provider is asked for, when a client asks for `model`.
  modelOf(model) {
    return this.straight ? model : `${this.dialect}-model`;
  }

  // { token, model } for a failure that the next story is not to feel; a
  // provider of its own feels none.
  async fresh(model) {
    return this.straight ? { token: this.token, model } : this.untouched.take();
  }

  // For clients that insist on names: members that start anew leave no target
  // alone for what it did before.  They do when this story's runs have ended.
  forget() {
    this.lab.stale = true;
  }

  // The dialect that the provider speaks with a client of one.
  spoken(own) {
    return this.dialect ?? own;
  }

  // Watches its part of the provider: gives what tells the calls since now.
  async watch() {
    const since = (await this.provider.calls()).at(-1)?.n ?? 0;
    const part = `/${this.dialect ?? "straight"}/`;
    return async () => (await this.provider.calls()).filter(({ n, path }) => n > since && path.startsWith(part));
  }

  // The provider's next calls for a model do as the words say.
  async next(model, words, times = 1) {
    await this.provider.script(`${words} for_model=${this.modelOf(model)} times=${times}`);
  }

  // A whole answer, of answers.mjs, for the provider's next call.
  async queue(own, { type, body }, words = "") {
    const dialect = this.spoken(own);
    const query = new URLSearchParams({
      type, for_path: `/${this.dialect ?? "straight"}${DIALECTS[dialect].path}`,
      ...Object.fromEntries(words.split(" ").filter(Boolean).map((word) => word.split("="))),
    });
    await this.provider.ask(`answers?${query}`, { method: "POST", body });
  }

  // Words that make the provider call a freeform tool: where its dialect has
  // none, the router declares a function with one argument.
  custom(own, name, input) {
    if (this.spoken(own) === "messages") return this.call(name, { input });
    return `custom=1 call=${name}:${encoded(input)}`;
  }

  call(name, args) {
    return `call=${name}:${encoded(JSON.stringify(args))}`;
  }
}

async function anew(lab) {
  const nodes = Object.values(lab.nodes);
  lab.stale = false;
  await Promise.all([...nodes, lab.egress].map((member) => member.stop()));
  await lab.egress.start();
  await Promise.all(nodes.map((node) => node.start()));
}

// Gives a way's run, once: each when it is asked for, or all of them together.
function runs(all, run, { together, lab }) {
  const begun = new Map();
  const begin = (way) => {
    if (!begun.has(way)) begun.set(way, Promise.resolve(run(way)));
    return begun.get(way);
  };
  return async (way) => {
    if (together) await Promise.allSettled(all.map(begin));
    await Promise.allSettled([begin(way)]);
    if (lab.stale) await anew(lab);
    return begin(way);
  };
}

// What a failed story left with the provider is not for the next.
async function tell(way, straight, runOf, check) {
  try {
    const yardstick = await runOf(straight);
    await check(await runOf(way), yardstick, way);
  } catch (error) {
    await way.provider.ask("reset", { method: "POST" });
    throw error;
  }
}

// A mesh with a node for each dialect of targets, and the ways.  `together`
// is for clients that are slow and runs that ask for no call but their own;
// `fresh` is how many failures a way is for, and `drop` what their groups let
// go.
export async function ways({ together = false, fresh = 0, drop = DROPS, ...wish } = {}) {
  const names = Object.keys(DIALECTS);
  const lab = await mesh({
    teams: names, workers: 1, secrets: ["provider"], grants: names.flatMap((name) => [`${name}/*`, ...Object.keys(numbered(fresh, name, () => 0)).map((own) => `${own}/*`)]), groups: (dialect) => groupsOf(dialect, { fresh, drop }),
    providers: (at) => Object.assign({}, ...names.map((name) => ({ [name]: providerOf(name, at), ...freshOf(name, at, fresh) }))),
    ...wish,
  });
  const straight = new Way(lab, {
    name: "straight to the provider", token: `sk-${randomBytes(8).toString("hex")}`,
  });
  const through = [];
  for (const dialect of names) {
    const node = lab.nodes[dialect];
    const { token } = await node.caller("app", { groups: ["coder", "careful", "mindful"] });
    const untouched = new Fresh(node, "fresh", fresh);
    through.push(new Way(lab, { name: `to ${dialect}`, dialect, node, token, untouched }));
  }
  const all = [straight, ...through];
  const each = (title, run, check) => {
    const runOf = runs(all, run, { together, lab });
    for (const way of all) story(`${title}, ${way.name}`, () => tell(way, straight, runOf, check));
  };
  return { lab, straight, through, all, each };
}
