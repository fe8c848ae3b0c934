// mesh: an egress or several, their nodes, the wires between them and a
// provider, made the way an operator makes them: keygen, enroll, sign, secret
// set, serve.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after } from "node:test";

import { Fresh, numbered } from "./fresh.mjs";
import { Link } from "./link.mjs";
import { stopLoads } from "./load.mjs";
import { Member } from "./member.mjs";
import { binary, makePlace, must } from "./program.mjs";
import { Provider } from "./provider.mjs";
import { Topology } from "./topology.mjs";

export const PRICE = { input: 0.25, cached_input: 0.025, output: 2 };
export const OWN_PRICE = { input: 1, output: 4 };

// Requests that the node's budget wants for each retry.
const RETRY_SHARE = 5;

const meshes = new Set();

// A wish that needs to know what there is already is a function of it.
const granted = (wish, ...known) => (typeof wish === "function" ? wish(...known) : wish);

// All members of this file's meshes, for whom a story failed.
export const members = () => [...meshes].flatMap((mesh) => [...Object.values(mesh.egresses), ...Object.values(mesh.nodes)]);

class Mesh {
  egresses = {};
  links = {};
  nodes = {};
  untouched = {};

  constructor(wish) {
    this.wish = wish;
    this.place = makePlace();
    this.topology = new Topology(this.place);
    this.keys = { openai: `sk-egress-${randomBytes(12).toString("hex")}`, own: `sk-own-${randomBytes(12).toString("hex")}` };
  }

  // The first of them, which nodes prefer, and the wire to it.
  get egress() {
    return this.egresses.central;
  }

  get link() {
    return this.links.central;
  }

  get node() {
    return this.nodes.payments;
  }

  async make() {
    const { teams = ["payments"], egresses = ["central"], workers = 2, drain = 5 } = this.wish;
    const options = ["--workers", String(workers), "--drain", String(drain)];
    this.operator = await this.topology.keygen("operator");
    this.provider = await new Provider().start(this.place);
    for (const name of egresses) {
      this.links[name] = await new (this.wish.link ?? Link)().start(() => this.egresses[name].port);
      this.egresses[name] = this.member("gsr-egress", name, options);
    }
    for (const team of teams) this.nodes[team] = this.member("gsr-node", team, options);
    await this.write(teams);
    for (const name of this.wish.secrets ?? []) this.keys[name] = `sk-${name}-${randomBytes(12).toString("hex")}`;
    for (const name of ["openai", ...(this.wish.secrets ?? [])])
      for (const egress of Object.values(this.egresses)) await egress.keep(name, this.keys[name]);
    for (const node of Object.values(this.nodes)) await node.keep("own", this.keys.own);
  }

  member(program, name, options) {
    return new Member({ program, name, options, place: this.place, topology: this.topology.dir });
  }

  // What enroll prints is one line of YAML: name: {…, keys: ["…"]}
  async enroll(member, ...words) {
    const stanza = await must(binary(member.program), ["enroll", "--state", member.state, "--mesh", "lab",
      "--name", member.name, "--operator-key", this.operator, ...words]);
    return stanza.match(/ed25519:[\w+/=-]+/)[0];
  }

  async write(names) {
    const parents = Object.keys(this.egresses);
    const members = {};
    const teams = {};
    for (const name of parents) {
      const address = `127.0.0.1:${this.links[name].port}`;
      members[name] = { role: "egress", address, keys: [await this.enroll(this.egresses[name], "--address", address)] };
    }
    for (const name of names) {
      const key = await this.enroll(this.nodes[name], "--team", name, "--parent", "central");
      members[name] = { role: "node", team: name, parents, keys: [key] };
      teams[name] = {
        signing_key: await this.topology.keygen(name),
        models: [this.wish.fresh ? "openai/*" : "openai/gpt-5-mini", ...Object.keys(numbered(this.wish.alone, "alone", () => 0)).map((name) => `${name}/m`), ...(this.wish.grants ?? [])],
        ...granted(this.wish.team, name),
      };
    }
    this.topology.write("mesh.yaml", { mesh: "lab", members, teams });
    for (const name of parents) this.topology.write(`egress/${name}.yaml`, this.egressFile());
    for (const name of names) this.topology.write(`node/${name}.yaml`, this.nodeFile(name));
    await this.topology.sign();
    for (const name of names) await this.topology.sign({ node: name });
  }

  egressFile() {
    return {
      listen: "127.0.0.1:0",
      timeouts: this.wish.timeouts ?? {},
      ...this.wish.egress,
      providers: {
        openai: {
          type: "openai", base_url: this.provider.url, api_key: "secret/openai",
          models: {
            "gpt-5-mini": { price: PRICE, ...this.wish.model }, "gpt-5": { price: { input: 5, output: 40 } },
            ...numbered(this.wish.fresh, "fresh", () => ({ price: PRICE })),
          },
        },
        // Accounts of one model each: what is wrong with one is no other's.
        ...numbered(this.wish.alone, "alone", () => ({
          type: "openai", base_url: this.provider.url, api_key: "secret/openai", models: { m: { price: PRICE } },
        })),
        ...granted(this.wish.providers, this.provider),
      },
    };
  }

  // `assistant` goes through the egress, `own` to the team's own upstream.
  nodeFile(name) {
    return {
      listen: "127.0.0.1:0",
      timeouts: this.wish.timeouts ?? {},
      ...this.wish.node,
      providers: {
        own: {
          type: "vllm", base_url: this.provider.url, api_key: "secret/own",
          models: {
            "gpt-oss": { price: OWN_PRICE, ...this.wish.model }, ...numbered(this.wish.fresh, "fresh", () => ({ price: OWN_PRICE })),
          },
        },
        ...granted(this.wish.upstreams, this.provider),
      },
      groups: {
        assistant: { strategy: "static", targets: ["openai/gpt-5-mini"] },
        own: { strategy: "static", targets: ["own/gpt-oss"] },
        spare: { strategy: "static", targets: ["own/gpt-oss"] },
        ...numbered(this.wish.fresh, "far", (n) => ({ strategy: "static", targets: [`openai/fresh-${n}`] })),
        ...numbered(this.wish.fresh, "near", (n) => ({ strategy: "static", targets: [`own/fresh-${n}`] })),
        ...numbered(this.wish.alone, "alone", (n) => ({ strategy: "static", targets: [`alone-${n}/m`] })),
        ...granted(this.wish.groups, name),
      },
    };
  }

  // A caller whose group has one target that nobody has called yet, through
  // the egress ("far", or "alone" on its account) or the team's own ("near"):
  // one that failed is left alone for a while, so each case of failure takes
  // another.  The budget of retries has one for it.
  async fresh(way) {
    this.untouched[way] ??= new Fresh(this.node, way, way === "alone" ? this.wish.alone : this.wish.fresh);
    await this.save();
    return this.untouched[way].take();
  }

  // Requests that let the budget have one retry more.
  async save() {
    this.saver ??= this.node.caller("saver", { groups: ["spare"] });
    const saver = await this.saver;
    await Promise.all(Array.from({ length: RETRY_SHARE }, () => saver.ask("hello")));
  }

  async start() {
    await Promise.all(Object.values(this.egresses).map((egress) => egress.start()));
    await Promise.all(Object.values(this.nodes).map((node) => node.start()));
    return this;
  }

  // Every mesh also ends well, whatever its stories did to it.
  async stop() {
    await stopLoads();
    const all = [...Object.values(this.nodes), ...Object.values(this.egresses)];
    const ends = await Promise.all(all.map((member) => member.end()));
    await Promise.all(Object.values(this.links).map((link) => link.stop()));
    await this.provider?.stop();
    meshes.delete(this);
    assert.deepEqual(ends.filter(Boolean), []);
  }
}

// A mesh for the stories of a file, started unless `start` is false.
export async function mesh(wish = {}) {
  const made = new Mesh(wish);
  meshes.add(made);
  after(() => made.stop());
  await made.make();
  return wish.start === false ? made : made.start();
}
