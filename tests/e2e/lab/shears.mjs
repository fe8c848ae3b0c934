// shears: a wire that is cut at a record.  What members say to each other is
// TLS; but a record's length stands before it in the clear, so a hand on the
// wire can let so many pass, then cut.
import net from "node:net";

import { Link } from "./link.mjs";

const HEAD_BYTES = 5;
// A request begins with a record as large as there are, when its body is.
const LARGE = 16_384;

// The whole records of a stream of bytes.
class Records {
  rest = Buffer.alloc(0);

  *of(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (this.rest.length >= HEAD_BYTES) {
      const size = HEAD_BYTES + this.rest.readUInt16BE(3);
      if (this.rest.length < size) return;
      yield this.rest.subarray(0, size);
      this.rest = this.rest.subarray(size);
    }
  }
}

// How a wire is cut: what happens to both ends of it.
export const CUTS = {
  closed: ({ near, far }) => [near, far].forEach((end) => end.end(() => end.destroy())),
  reset: ({ near, far }) => [near, far].forEach((end) => end.resetAndDestroy()),
  // The egress does not hear of it until much later.
  "half open": ({ near }) => near.end(() => near.destroy()),
};

export class Shears extends Link {
  seen = { up: [], down: [] };
  lame = new Set();
  plan = null;

  // Count what passes of each direction, to the egress (up) and to the node
  // (down), as bytes of each record: from now on, or from the next request or
  // dial; at least so many bytes long.  At the one that follows so many of a
  // direction the wire is cut, or behind the first half of it.
  watch(from, { way, after, how, half = false, least = 0 } = {}) {
    this.seen = { up: [], down: [] };
    this.plan = { from, way, after, how, half, least, begun: from === "now" };
  }

  // It was cut where it was to be.
  get done() {
    return this.plan === null;
  }

  join(near) {
    if (this.down) return near.destroy();
    let far;
    try {
      far = net.connect({ port: this.portOf(), host: "127.0.0.1", allowHalfOpen: true });
    } catch {
      return near.destroy();
    }
    const wire = { near, far, cut: false };
    this.wires.add(wire);
    if (this.plan?.from === "dial") this.plan.begun = true;
    for (const [way, from, to] of [["up", near, far], ["down", far, near]]) {
      const records = new Records();
      from.setNoDelay(true).on("error", () => {}).on("data", (bytes) => {
        for (const record of records.of(bytes)) if (!wire.cut) this.pass(wire, way, record, to);
      }).on("close", () => this.end(wire, to)).on("end", () => this.end(wire, to));
    }
  }

  // One end is gone; the other one goes too, unless it is not to hear of it.
  end(wire, other) {
    this.wires.delete(wire);
    if (!this.lame.has(wire)) other.destroy();
  }

  pass(wire, way, record, to) {
    const { plan } = this;
    if (plan?.from === "request" && way === "up" && record.length > LARGE) plan.begun = true;
    if (plan?.begun && record.length >= plan.least) {
      if (plan.way === way && this.seen[way].length === plan.after) return this.shear(wire, record, to);
      this.seen[way].push(record.length);
    }
    to.write(record);
  }

  shear(wire, record, to) {
    const { how, half } = this.plan;
    this.plan = null;
    wire.cut = true;
    if (half) to.write(record.subarray(0, record.length >> 1));
    if (how === "half open") this.lame.add(wire);
    CUTS[how](wire);
  }

  // The egress hears of what was cut half.
  bury() {
    for (const { far } of this.lame) far.destroy();
    this.lame.clear();
  }

  async stop() {
    this.plan = null;
    this.bury();
    return super.stop();
  }
}
