// wait: conditions come when they come.  A deadline here only says that
// something hangs; it is generous, since the machine may be busy.
import { setTimeout as pause } from "node:timers/promises";

const DEADLINE_MS = 30_000;

// The first truthy value of `probe`; what it threw last, if it never came.
export async function until(what, probe, deadline_ms = DEADLINE_MS) {
  const end = Date.now() + deadline_ms;
  let last;
  for (;;) {
    try {
      last = undefined;
      const value = await probe();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${deadline_ms / 1000} s for: ${what}`, { cause: last });
    await pause(20);
  }
}

// A value that stays the same for a while: what moved has come to rest.
export async function atRest(what, probe, rest_ms = 1000) {
  let value, since;
  await until(what, async () => {
    const now = await probe();
    if (now !== value) [value, since] = [now, Date.now()];
    return Date.now() - since >= rest_ms;
  }, 60_000);
  return value;
}

export { pause };
