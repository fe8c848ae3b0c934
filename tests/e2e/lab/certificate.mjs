// certificate: an authority of the tests' own, what it issues, and a fetch
// that trusts it (the built-in one takes its authorities from the start of
// the process only).
import https from "node:https";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";

import { makePlace, must } from "./program.mjs";

const openssl = (...words) => must("openssl", words);
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export class Authority {
  constructor() {
    this.place = makePlace();
    this.file = join(this.place, "ca.crt");
    this.paths = { cert: join(this.place, "node.crt"), key: join(this.place, "node.key") };
  }

  async make() {
    await openssl("req", "-x509", ...KEY, "-keyout", join(this.place, "ca.key"), "-out", this.file,
      "-days", "2", "-subj", "/CN=lab authority");
    return this;
  }

  // A new certificate for 127.0.0.1 and its key, in the same two files.
  async issue(name = "node") {
    await openssl("req", "-x509", ...KEY, "-keyout", this.paths.key, "-out", this.paths.cert, "-days", "1",
      "-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
      "-CA", this.file, "-CAkey", join(this.place, "ca.key"));
    chmodSync(this.paths.key, 0o600);
  }

  get text() {
    return readFileSync(this.file, "utf8");
  }

  get fetch() {
    const agent = new https.Agent({ ca: this.text, keepAlive: true });
    return (url, { method, headers, body, signal } = {}) =>
      new Promise((resolve, reject) => {
        const request = https.request(url, { agent, method, signal, headers: Object.fromEntries(new Headers(headers)) });
        request.on("error", reject).on("response", (answer) =>
          resolve(new Response(Readable.toWeb(answer), { status: answer.statusCode, headers: answer.headers })));
        request.end(body);
      });
  }
}
