// captures: what real clients sent, to be sent again.
import { readdirSync, readFileSync } from "node:fs";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { DIALECTS } from "./ways.mjs";

const PLACE = new URL("../../golden/captures/", import.meta.url);

// Ours, or of the connection that was.
const OWN_HEADERS = ["authorization", "x-api-key", "host", "connection", "content-length"];

const dialectOf = (path) => Object.keys(DIALECTS).find((dialect) => path.endsWith(DIALECTS[dialect].path));

// One request and its answer; `dialect` is none for what is no question to a
// model.
class Exchange {
  constructor({ request, response }) {
    const { method, body } = request;
    const [path] = request.path.split("?");
    Object.assign(this, { request, response, method, body, path, dialect: method === "POST" ? dialectOf(path) : undefined });
  }

  get counts() {
    return this.path.endsWith("/count_tokens");
  }

  get stream() {
    return this.body?.stream === true;
  }

  get type() {
    return this.response.headers["content-type"];
  }

  // Sends it again, for `model`: a Response.
  send(way, model) {
    const headers = this.request.headers.filter(([name]) => !OWN_HEADERS.includes(name.toLowerCase()));
    const key = this.request.headers.some(([name]) => name.toLowerCase() === "x-api-key")
      ? ["x-api-key", way.token] : ["authorization", `Bearer ${way.token}`];
    return fetch(way.url + this.request.path, {
      method: this.method, headers: [...headers, key],
      ...(this.body ? { body: JSON.stringify({ ...this.body, model }) } : {}),
    });
  }
}

// [{ name, exchanges }], by name.
export const captures = readdirSync(PLACE).filter((file) => file.endsWith(".json")).sort().map((file) => {
  const { exchanges } = JSON.parse(readFileSync(new URL(file, PLACE), "utf8"));
  return { name: file.slice(0, -5), exchanges: exchanges.map((exchange) => new Exchange(exchange)) };
});

const replaying = (response) => ({ apiKey: "k", maxRetries: 0, fetch: async () => response });

const READERS = {
  async chat(response, stream) {
    const { completions } = new OpenAI(replaying(response)).chat;
    const body = { model: "m", messages: [] };
    const { choices: [{ message, finish_reason }] } = stream
      ? await completions.stream(body).finalChatCompletion() : await completions.create(body);
    return { text: message.content ?? message.refusal, end: finish_reason };
  },
  async responses(response, stream) {
    const { responses } = new OpenAI(replaying(response));
    const body = { model: "m", input: "" };
    const { output_text, status } = stream ? await responses.stream(body).finalResponse() : await responses.create(body);
    return { text: output_text, end: status };
  },
  async messages(response, stream) {
    const { messages } = new Anthropic(replaying(response));
    const body = { model: "m", max_tokens: 9, messages: [] };
    const { content, stop_reason } = stream ? await messages.stream(body).finalMessage() : await messages.create(body);
    return { text: content.filter((block) => block.type === "text").map((block) => block.text).join(""), end: stop_reason };
  },
};

// { text, end }, as the SDK of a dialect reads an answer; throws what it does.
export const read = (dialect, response, stream) => READERS[dialect](response, stream);
