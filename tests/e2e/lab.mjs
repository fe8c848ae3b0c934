// lab: the vocabulary of the end-to-end stories.
//
//   mesh        one egress or several, their nodes, the wires and a provider
//   provider    says, refuses, breaksAfter, stallsAfter; calls, callOf
//   caller      ask, refused, stream (heard, hangUp), models, post, dial
//   member      start, ready, stop, kill, reload, rotate; rows, explain, verify
//   ledger      exportBoth, audit, reconcile: what both sides wrote down
//   link        cut, hold, close, heal
//   topology    change, sign, scribble, copy
//   ways        of a client to an answer: straight, and through a mesh to a
//               target of each dialect
//   fresh       callers of targets that no story has called, for its failures
//   saying      a request in a dialect as it is on the wire
//   codex, claude  command-line clients, run to their end
//   answer      a whole one of each dialect, for way.queue
//   daysAgo     members that live in the past
//   until       the only way to wait
export { answer } from "./lab/answers.mjs";
export { Caller } from "./lab/caller.mjs";
export { Authority } from "./lab/certificate.mjs";
export { claude } from "./lab/claude.mjs";
export { codex } from "./lab/codex.mjs";
export { Load } from "./lab/load.mjs";
export { mesh, OWN_PRICE, PRICE } from "./lab/mesh.mjs";
export { daysAgo } from "./lab/past.mjs";
export { PAGE, RED } from "./lab/picture.mjs";
export { Fresh, numbered } from "./lab/fresh.mjs";
export { audit, exportBoth, exported, reconcile } from "./lab/ledger.mjs";
export { binary, launch, run, sanitized } from "./lab/program.mjs";
export { CUTS, Shears } from "./lab/shears.mjs";
export { events, saying, SPEECH } from "./lab/speech.mjs";
export { story } from "./lab/story.mjs";
export { DIALECTS, DROPS, ways } from "./lab/ways.mjs";
export { open, speak, statuses } from "./lab/wire.mjs";
export { atRest, pause, until } from "./lab/wait.mjs";

// What tokens cost, in micro-USD, by prices in USD per million.
export function costOf(usage, price) {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const dollars = (usage.prompt_tokens - cached) * price.input + cached * (price.cached_input ?? price.input) +
    usage.completion_tokens * price.output;
  return Math.floor(dollars + 0.5);
}
