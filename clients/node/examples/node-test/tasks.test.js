import assert from "node:assert/strict";
import { test } from "node:test";

import { sandbox } from "vambe-mock/node-test";

test("a lost answer leaves a task", async (t) => {
  const mock = await sandbox(t);
  const [maria] = await mock.users();
  await mock.fault({ match: { operation: "createTask" }, when: "after", connection: "reset" });
  const sent = fetch(`${mock.url}/api/public/tasks`, {
    method: "POST",
    headers: { ...mock.headers, "content-type": "application/json" },
    body: JSON.stringify({ title: "Call the client", responsibleIds: [maria.id], priority: "1" }),
  });
  await assert.rejects(sent);
  assert.equal((await mock.tasks()).length, 1);
  await mock.verify({ operation: "createTask", json: { title: { $glob: "Call*" } } }, { exactly: 1 });
});
