import { expect, test as base } from "vitest";
import { fixtures } from "vambe-mock/vitest";

import { createTask } from "./tasks.js";

const test = base.extend(fixtures);

test("a task is created once", async ({ vambeMock }) => {
  const task = await createTask("Call the client", vambeMock);
  expect(await vambeMock.tasks()).toMatchObject([{ id: task.id, title: "Call the client" }]);
  await vambeMock.verify({ operation: "createTask", json: { title: { $glob: "Call*" } } }, { exactly: 1 });
});

test("an error of the vendor is raised", async ({ vambeMock }) => {
  await vambeMock.fault({ match: { operation: "createTask" }, status: 503 });
  await expect(createTask("Call the client", vambeMock)).rejects.toThrow("503");
  expect(await vambeMock.tasks()).toEqual([]);
});

test("a lost answer leaves a task", async ({ vambeMock }) => {
  await vambeMock.fault({ match: { operation: "createTask" }, when: "after", connection: "reset" });
  await expect(createTask("Call the client", vambeMock)).rejects.toThrow();
  expect(await vambeMock.tasks()).toHaveLength(1);
});
