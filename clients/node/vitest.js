// A fixture for `test.extend` of vitest.

import { server } from "./index.js";

export const fixtures = {
  vambeMock: async ({ task }, use) => {
    const sandbox = await (await server()).sandbox(task.name);
    await use(sandbox);
    if (task.result?.state !== "fail") await sandbox.delete();
  },
};
