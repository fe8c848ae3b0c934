// claude: `claude -p`, as it comes from npm.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { makeHome, nativeOf, runClient } from "./cli.mjs";

// `more` stand in the environment too: what a user would set there.
const environment = ({ url, token, home, quiet }) => ({
  ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: token, CLAUDE_CONFIG_DIR: join(home, "claude"),
  DISABLE_AUTOUPDATER: "1", DISABLE_TELEMETRY: "1", DISABLE_ERROR_REPORTING: "1",
  ...(quiet ? { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" } : {}),
});

const blocks = (events, role, type) =>
  events.filter((event) => event.type === role).flatMap((event) => event.message.content)
    .filter((block) => block.type === type);

// Runs a prompt to its end: { code, text, failed, calls, results, events,
// dir, out, err }.  `more` are further arguments, `env` further environment.
export async function claude({ url, token, model, prompt, more = [], env = {}, files = {}, quiet = true, timeout_ms }) {
  const { home, dir } = makeHome();
  mkdirSync(join(home, "claude"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  const args = ["-p", prompt, "--output-format", "stream-json", "--verbose", "--model", model, ...more];
  const end = await runClient(nativeOf("@anthropic-ai", "claude-code", "claude"), args,
    { home, dir, env: { ...environment({ url, token, home, quiet }), ...env }, timeout_ms });
  const result = end.events.findLast((event) => event.type === "result");
  return {
    ...end, dir, home, result,
    text: result?.result,
    failed: result?.is_error,
    calls: blocks(end.events, "assistant", "tool_use"),
    results: blocks(end.events, "user", "tool_result"),
  };
}
