import type { Sandbox, Server } from "./index.js";

/**
 * For `test.extend(fixtures)` of Playwright Test: `vambeMock` is a sandbox for the test, which stays if the test fails;
 * `vambeMockServer` is that at VAMBE_MOCK_URL, else one for the worker.
 */
export const fixtures: {
  vambeMock: (
    context: { vambeMockServer: Server },
    use: (sandbox: Sandbox) => Promise<void>,
    info: any,
  ) => Promise<void>;
  vambeMockServer: [(context: {}, use: (server: Server) => Promise<void>) => Promise<void>, { scope: "worker" }];
};
