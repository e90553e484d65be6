import type { TestContext } from "node:test";

import type { Sandbox } from "./index.js";

/** A sandbox for a test of node:test, which stays if the test fails. */
export function sandbox(t: Pick<TestContext, "name" | "after">): Promise<Sandbox>;
