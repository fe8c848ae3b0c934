// topology: the folder that a mesh's members read, and who signs it.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { binary, must, run } from "./program.mjs";

export class Topology {
  // `files` is { "mesh.yaml": object, … }; JSON is YAML.
  constructor(place) {
    this.place = place;
    this.dir = join(place, "topology");
    this.files = {};
    for (const folder of ["node", "egress"]) mkdirSync(join(this.dir, folder), { recursive: true });
  }

  key(name) {
    return join(this.place, `${name}.key`);
  }

  // Makes a signing key; gives the public one.
  async keygen(name) {
    return (await must(binary("gsr-topology"), ["keygen", this.key(name)])).trim();
  }

  path(file) {
    return join(this.dir, file);
  }

  write(file, content) {
    this.files[file] = content;
    writeFileSync(this.path(file), `${JSON.stringify(content, null, 2)}\n`);
  }

  // Bytes that no tool of ours wrote.
  scribble(file, change) {
    writeFileSync(this.path(file), change(readFileSync(this.path(file), "utf8")));
  }

  async trySign({ node, key = node ? this.teamOf(node) : "operator", more = [] } = {}) {
    return run(binary("gsr-topology"),
      ["sign", this.dir, "--key", this.key(key), ...(node ? ["--node", node] : []), ...more]);
  }

  teamOf(node) {
    return this.files["mesh.yaml"].members[node].team;
  }

  async sign(what) {
    const { code, err } = await this.trySign(what);
    if (code !== 0) throw new Error(`not signed: ${err}`);
  }

  // Change a file and sign what has to be signed for it.
  async change(file, edit) {
    const content = structuredClone(this.files[file]);
    edit(content);
    this.write(file, content);
    await this.sign(file.startsWith("node/") ? { node: file.slice(5, -5) } : {});
  }

  // The folder as it is now, to go back to.
  copy() {
    const kept = join(this.place, `kept-${process.hrtime.bigint()}`);
    cpSync(this.dir, kept, { recursive: true });
    const files = structuredClone(this.files);
    return () => {
      rmSync(this.dir, { recursive: true });
      cpSync(kept, this.dir, { recursive: true });
      this.files = files;
    };
  }
}
