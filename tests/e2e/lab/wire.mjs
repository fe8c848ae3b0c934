// wire: bytes to a port and whatever comes back, for what no client sends.
import net from "node:net";
import tls from "node:tls";

// A socket that has sent some bytes; it keeps no test from ending.
export function open(port, bytes) {
  const socket = net.connect(port, "127.0.0.1").unref();
  socket.on("error", () => {}).write(bytes);
  return socket;
}

// { bytes, how }: "fin", the error's code, or "open" when it never ended.
// With the text of an authority (`ca`), by TLS.
export function speak(port, bytes, { wait_ms = 10_000, ca } = {}) {
  return new Promise((resolve) => {
    const got = [];
    const end = (how) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ bytes: Buffer.concat(got), how });
    };
    const begin = () => socket.write(bytes);
    const socket = ca ? tls.connect({ port, host: "127.0.0.1", ca }, begin) : net.connect(port, "127.0.0.1", begin);
    const timer = setTimeout(() => end("open"), wait_ms);
    socket.on("data", (piece) => got.push(piece)).on("end", () => end("fin")).on("error", (error) => end(error.code));
  });
}

// The status codes of the answers in some bytes, in order.
export function statuses(bytes) {
  const text = bytes.toString("latin1");
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1])).filter((status) => status !== 100);
}
