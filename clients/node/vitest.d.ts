import type { Sandbox } from "./index.js";

/** For `test.extend(fixtures)` of vitest: `vambeMock` is a sandbox for the test, which stays if the test fails. */
export const fixtures: {
  vambeMock: (context: { task: any }, use: (sandbox: Sandbox) => Promise<void>) => Promise<void>;
};
