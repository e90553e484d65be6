// A sandbox for a test of node:test.

import { server } from "./index.js";

export async function sandbox(t) {
  const made = await (await server()).sandbox(t.name);
  t.after(() => (t.passed === false ? undefined : made.delete()));
  return made;
}
