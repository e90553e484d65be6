import assert from "node:assert/strict";
import { test } from "node:test";

import { sandbox } from "vambe-mock/node-test";

import { followUp, Vambe } from "./followups.js";

const MARIA = "228d7a0d-9072-4ca8-939b-959b75cc606a"; // the first user of the mock's fixtures
const DEAL = { number: 4711, customer: "Viña Quebrada", ownerId: MARIA, followUpOn: "2025-12-01" };
const createTask = { operation: "createTask" };

test("a deal gets a task", async (t) => {
  const mock = await sandbox(t);
  const task = await followUp(DEAL, new Vambe(mock));
  assert.equal(task.due_at, "2025-12-01T12:00:00.000Z");
  await mock.verify({ ...createTask, status: 201, json: { title: "Follow up with Viña Quebrada" } }, { exactly: 1 });
});

test("the environment says where Vambe is", async (t) => {
  Object.assign(process.env, (await sandbox(t)).env);
  assert.ok(Array.isArray(await new Vambe().tasksOf(MARIA)));
});

test("a second run makes no second task", async (t) => {
  const mock = await sandbox(t);
  const first = await followUp(DEAL, new Vambe(mock));
  assert.deepEqual(await followUp(DEAL, new Vambe(mock)), first);
  await mock.verify(createTask, { exactly: 1 });
});

test("a lost answer makes one task and not two", async (t) => {
  const mock = await sandbox(t);
  await mock.fault({ match: createTask, when: "after", connection: "reset" });
  await followUp(DEAL, new Vambe(mock), () => {});
  assert.equal((await mock.tasks()).length, 1);
  await mock.verify(createTask, { exactly: 1 });
});

test("an answer that comes too late makes no second task", async (t) => {
  const mock = await sandbox(t);
  const pauses = [];
  await mock.fault({ match: createTask, when: "after", delay_ms: 5_000 });
  await followUp(DEAL, new Vambe({ ...mock, timeoutMs: 500 }), (seconds) => pauses.push(seconds));
  assert.ok(pauses.length > 0);
  assert.equal((await mock.tasks()).length, 1);
});

test("Vambe is left alone for as long as it asks", async (t) => {
  const mock = await sandbox(t);
  const pauses = [];
  await mock.fault({ match: createTask, status: 429, headers: { "Retry-After": "7" } });
  await followUp(DEAL, new Vambe(mock), (seconds) => pauses.push(seconds));
  assert.deepEqual(pauses, [7]);
  await mock.verify(createTask, { exactly: 2 });
});

test("what no retry can mend is not tried again", async (t) => {
  const mock = await sandbox(t);
  await mock.fault({ match: createTask, status: 404 });
  await assert.rejects(followUp(DEAL, new Vambe(mock), assert.fail), { status: 404 });
  await mock.verify(createTask, { exactly: 1 });
});

test("an outage ends after five attempts", async (t) => {
  const mock = await sandbox(t);
  const pauses = [];
  await mock.fault({ status: 503, times: null });
  await assert.rejects(followUp(DEAL, new Vambe(mock), (seconds) => pauses.push(seconds)), { status: 503 });
  assert.deepEqual(pauses, [0.5, 1, 2, 4]);
});
