import type { Sandbox, Server } from "./index.js";

export interface TestFixtures {
  /** A sandbox for the test, which stays if the test fails. */
  vambeMock: Sandbox;
}

export interface WorkerFixtures {
  /** The server at VAMBE_MOCK_URL, else one for the worker. */
  vambeMockServer: Server;
}

/** For Playwright Test: `test.extend(fixtures)`, in TypeScript `test.extend<TestFixtures, WorkerFixtures>(fixtures)`. */
export const fixtures: {
  vambeMock: (context: WorkerFixtures, use: (sandbox: Sandbox) => Promise<void>, info: any) => Promise<void>;
  vambeMockServer: [(context: {}, use: (server: Server) => Promise<void>) => Promise<void>, { scope: "worker" }];
};
