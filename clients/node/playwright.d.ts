import type { Fixtures } from "@playwright/test";

import type { Sandbox, Server } from "./index.js";

export interface TestFixtures {
  /** A sandbox for the test, which stays if the test fails. */
  vambeMock: Sandbox;
}

export interface WorkerFixtures {
  /** The server at VAMBE_MOCK_URL, else one for the worker. */
  vambeMockServer: Server;
}

/** For `test.extend(fixtures)` of Playwright Test. */
export const fixtures: Fixtures<TestFixtures, WorkerFixtures>;
