// caller: an application with the official SDK, and a socket for what no SDK
// would send.
import net from "node:net";
import OpenAI from "openai";

// The answer of a stream as it comes; `end` settles with how it ended.
class Listening {
  text = "";
  chunks = [];
  error = null;
  waiting = [];

  constructor(start) {
    this.leave = new AbortController();
    this.end = this.listen(start);
  }

  async listen(start) {
    try {
      const { data, response } = await start(this.leave.signal).withResponse();
      this.response = response;
      for await (const chunk of data) {
        this.chunks.push(chunk);
        this.text += chunk.choices[0]?.delta?.content ?? "";
        for (const waiting of this.waiting.splice(0)) waiting();
      }
    } catch (error) {
      this.error = error;
    }
    this.over = true;
    for (const waiting of this.waiting.splice(0)) waiting();
    return this;
  }

  get id() {
    return this.response?.headers.get("x-request-id") ?? this.error?.headers?.get("x-request-id");
  }

  get usage() {
    return this.chunks.map((chunk) => chunk.usage).findLast(Boolean);
  }

  // When so many words have come, or it is over.
  async heard(words) {
    while (!this.over && this.text.split(" ").length <= words)
      await new Promise((ok) => this.waiting.push(ok));
    return this;
  }

  async hangUp() {
    this.leave.abort();
    return this.end;
  }
}

export class Caller {
  constructor(node, token, model) {
    Object.assign(this, { node, token, model });
  }

  get sdk() {
    return new OpenAI({ apiKey: this.token, baseURL: `${this.node.url}/v1`, maxRetries: 0, timeout: 60_000, fetch: this.node.fetch });
  }

  body(prompt, more = {}) {
    return { model: this.model, messages: [{ role: "user", content: prompt?.text ?? prompt ?? "hello" }], ...more };
  }

  // { text, usage, id, answer }; throws the SDK's error.
  async ask(prompt, more = {}, headers = {}) {
    const { data, response } = await this.sdk.chat.completions
      .create(this.body(prompt, more), { headers }).withResponse();
    return {
      text: data.choices[0]?.message?.content, usage: data.usage, answer: data,
      id: response.headers.get("x-request-id"),
    };
  }

  // The SDK's error, of a request that has to fail.
  async refused(prompt, more = {}, headers = {}) {
    let answer;
    try {
      answer = await this.ask(prompt, more, headers);
    } catch (error) {
      error.id = error.headers?.get("x-request-id");
      error.router = error.headers?.get("x-router-error");
      return error;
    }
    throw new Error(`not refused: ${JSON.stringify(answer)}`);
  }

  // Begins a stream; see Listening.
  stream(prompt, more = {}, headers = {}) {
    return new Listening((signal) =>
      this.sdk.chat.completions.create(this.body(prompt, { stream: true, ...more }), { signal, headers }));
  }

  async models() {
    const ids = [];
    for await (const model of this.sdk.models.list()) ids.push(model.id);
    return ids.sort();
  }

  // Any body, as text or object: { status, headers, text, json }.
  async post(body, headers = {}, path = "/v1/chat/completions") {
    const { fetch } = this.node;
    const answer = await fetch(this.node.url + path, {
      method: "POST", body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json", ...headers },
    });
    const text = await answer.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {}
    return { status: answer.status, headers: answer.headers, text, json };
  }

  // A request over a socket that the story reads, or does not.
  dial(prompt, more = {}) {
    const body = JSON.stringify(this.body(prompt, more));
    const socket = net.connect(this.node.port, "127.0.0.1").unref();
    socket.on("error", () => {});
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: node\r\nauthorization: Bearer ${this.token}\r\n` +
      `content-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return socket;
  }
}
