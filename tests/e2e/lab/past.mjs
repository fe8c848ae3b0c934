// past: what is started meanwhile lives some days ago, by its wall clock.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { makePlace } from "./program.mjs";

let library;

function build() {
  library = join(makePlace(), "past.so");
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, new URL("past.c", import.meta.url).pathname]);
  return library;
}

export async function daysAgo(days, tell) {
  const before = { ...process.env };
  Object.assign(process.env, {
    GSR_PAST_S: String(days * 86_400),
    LD_PRELOAD: library ?? build(),
    ASAN_OPTIONS: [before.ASAN_OPTIONS, "verify_asan_link_order=0"].filter(Boolean).join(":"),
  });
  try {
    return await tell();
  } finally {
    for (const name of ["GSR_PAST_S", "LD_PRELOAD", "ASAN_OPTIONS"])
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
  }
}
