// codex: `codex exec --json`, as it comes from npm, in a folder without git.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { makeHome, nativeOf, runClient } from "./cli.mjs";

const TRIPLES = { x64: "x86_64-unknown-linux-musl", arm64: "aarch64-unknown-linux-musl" };

// What a user writes to point it at a router; retries are few, since each
// waits longer than the one before.
const config = ({ url, model, retries }) => `model = "${model}"
model_provider = "router"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.router]
name = "router"
base_url = "${url}/v1"
env_key = "ROUTER_API_KEY"
wire_api = "responses"
request_max_retries = ${retries}
stream_max_retries = ${retries}
`;

const messages = (events, type) =>
  events.filter((event) => event.type === "item.completed" && event.item.type === type).map((event) => event.item);

// Runs a prompt to its end: { code, text, errors, commands, changes, events,
// dir, out, err }.  `more` are further arguments, `files` go into its folder.
export async function codex({ url, token, model, prompt, more = [], files = {}, retries = 2, timeout_ms }) {
  const { home, dir } = makeHome();
  const codexHome = join(home, "codex");
  mkdirSync(codexHome);
  writeFileSync(join(codexHome, "config.toml"), config({ url, model, retries }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  const args = ["exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", ...more, prompt];
  const path = nativeOf("@openai", "codex", "vendor", TRIPLES[process.arch], "bin", "codex");
  const end = await runClient(path, args, { home, dir, env: { CODEX_HOME: codexHome, ROUTER_API_KEY: token }, timeout_ms });
  return {
    ...end, dir,
    text: messages(end.events, "agent_message").map((item) => item.text).join("\n"),
    commands: messages(end.events, "command_execution"),
    changes: messages(end.events, "file_change"),
    errors: end.events.filter((event) => event.type === "error" || event.type === "turn.failed")
      .map((event) => event.message ?? event.error.message),
  };
}
