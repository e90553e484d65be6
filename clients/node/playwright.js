// Fixtures for `test.extend` of Playwright Test: a server for each worker, unless there is one for all, and a sandbox
// for each test.

import { connect, start } from "./index.js";

export const fixtures = {
  vambeMockServer: [
    async ({}, use) => {
      const url = process.env.VAMBE_MOCK_URL;
      const server = url ? connect(url) : await start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  vambeMock: async ({ vambeMockServer }, use, info) => {
    const sandbox = await vambeMockServer.sandbox(info.title);
    await use(sandbox);
    if (info.status === info.expectedStatus) await sandbox.delete();
  },
};
