// fresh: groups whose targets nobody has called yet.  A target that failed is
// left alone for a while, so each case of failure takes another.
import { Caller } from "./caller.mjs";

// A token has up to so many groups.
const TOKEN_GROUPS = 60;

// { name-0: value(0), … }: models, or groups.
export const numbered = (count = 0, name, value) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name}-${n}`, value(n)]));

export class Fresh {
  taken = 0;
  token = null;

  // Groups name-0 to name-(count-1) of a node.
  constructor(node, name, count = 0) {
    Object.assign(this, { node, name, count });
  }

  // A caller of the next one.
  async take() {
    const n = this.taken++;
    if (n >= this.count) throw new Error(`no fresh group is left of ${this.count}: ${this.name}`);
    if (n % TOKEN_GROUPS === 0) {
      const groups = Array.from({ length: Math.min(TOKEN_GROUPS, this.count - n) }, (_, i) => `${this.name}-${n + i}`);
      this.token = this.node.caller(`fresh-${groups[0]}`, { groups }).then((caller) => caller.token);
    }
    return new Caller(this.node, await this.token, `${this.name}-${n}`);
  }
}
