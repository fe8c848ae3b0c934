// lab: the vocabulary of the end-to-end stories.
//
//   mesh        one egress, its nodes, the wire and a provider
//   provider    says, refuses, breaksAfter, stallsAfter; calls, callOf
//   caller      ask, refused, stream (heard, hangUp), models, post, dial
//   member      start, ready, stop, kill, reload; rows, explain, verify
//   link        cut, hold, close, heal
//   topology    change, sign, scribble, copy
//   until       the only way to wait
//
// A story is a test whose failure also tells the members' last log lines.
import { test } from "node:test";

import { members } from "./lab/mesh.mjs";

export { Caller } from "./lab/caller.mjs";
export { Authority } from "./lab/certificate.mjs";
export { Load } from "./lab/load.mjs";
export { mesh, OWN_PRICE, PRICE } from "./lab/mesh.mjs";
export { launch, run, sanitized } from "./lab/program.mjs";
export { open, speak, statuses } from "./lab/wire.mjs";
export { atRest, pause, until } from "./lab/wait.mjs";

export function story(name, tell) {
  test(name, async (t) => {
    try {
      await tell(t);
    } catch (error) {
      for (const member of members()) if (member) console.error(member.lastLines());
      throw error;
    }
  });
}

// What tokens cost, in micro-USD, by prices in USD per million.
export function costOf(usage, price) {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const dollars = (usage.prompt_tokens - cached) * price.input + cached * (price.cached_input ?? price.input) +
    usage.completion_tokens * price.output;
  return Math.floor(dollars + 0.5);
}
