// link: the wire between nodes and their egress, with a hand on it.  Nodes
// dial it, it dials the egress where that listens now.
import net from "node:net";

export class Link {
  wires = new Set();
  held = false;
  down = false;

  // `port` gives the egress's present port, or throws.
  async start(port) {
    this.portOf = port;
    this.server = net.createServer((near) => this.join(near));
    await new Promise((ok) => this.server.listen(0, "127.0.0.1", ok));
    this.port = this.server.address().port;
    return this;
  }

  join(near) {
    if (this.down) return near.destroy();
    let far;
    try {
      far = net.connect(this.portOf(), "127.0.0.1");
    } catch {
      return near.destroy();
    }
    const wire = { near, far };
    const end = () => {
      this.wires.delete(wire);
      near.destroy();
      far.destroy();
    };
    this.wires.add(wire);
    for (const socket of [near, far]) socket.setNoDelay(true).on("error", end).on("close", end);
    near.pipe(far);
    far.pipe(near);
    if (this.held) far.unpipe(near);
  }

  // Both ends are closed; they may dial again.  (Not reset: Node hangs at its
  // end when a socket is reset that was shut down.)
  cut() {
    for (const { near, far } of this.wires) {
      near.destroy();
      far.destroy();
    }
  }

  // Nothing more reaches the nodes; what they send still arrives.
  hold() {
    this.held = true;
    for (const { near, far } of this.wires) far.unpipe(near);
  }

  // Nobody can dial until heal.
  close() {
    this.down = true;
    this.cut();
  }

  heal() {
    this.down = false;
    if (this.held) for (const { near, far } of this.wires) far.pipe(near);
    this.held = false;
  }

  // Bytes that no member sent, in the middle of the stream to the egress.
  inject(bytes) {
    for (const { far } of this.wires) far.write(bytes);
  }

  async stop() {
    this.cut();
    await new Promise((ok) => this.server.close(ok));
  }
}
