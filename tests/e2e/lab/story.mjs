// story: a test whose failure also tells the members' last log lines.
import { test } from "node:test";

import { members } from "./mesh.mjs";

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
