// Compiled, never run: what the types of the npm package know, and what they refuse.

import { expect, test as playwrightTest } from "@playwright/test";
import { test as nodeTest } from "node:test";
import { test as vitestTest } from "vitest";
import { type FaultRule, type Sandbox, type Task, connect, start } from "vambe-mock";
import "vambe-mock/jest-environment";
import { sandbox } from "vambe-mock/node-test";
import { type TestFixtures, type WorkerFixtures, fixtures as ofPlaywright } from "vambe-mock/playwright";
import setup, { teardown } from "vambe-mock/setup";
import type { operations } from "vambe-mock/types/api";
import { fixtures } from "vambe-mock/vitest";

type Body = operations["createTask"]["requestBody"]["content"]["application/json"];

async function use(mock: Sandbox): Promise<Task[]> {
  const rule: FaultRule = { match: { operation: "createTask" }, when: "after", connection: "reset", times: 2 };
  const { hits } = await mock.fault(rule);
  // @ts-expect-error: no such way to break a connection
  await mock.fault({ connection: "melt" });
  await mock.verify({ operation: "createTask", json: { title: { $glob: "C*" } } }, { exactly: hits });
  // @ts-expect-error: no such operation
  await mock.verify("createTasks");
  // @ts-expect-error: no such count
  await mock.verify("createTask", { about: 1 });
  await mock.assume({ "create-status": "200", "null-description": null });
  // @ts-expect-error: no such value of the switch
  await mock.assume({ "create-status": "202" });
  await mock.clock.set({ mode: "frozen" });
  // @ts-expect-error: no such mode
  await mock.clock.set({ mode: "slow" });
  await mock.reset({ only: ["journal"] });
  const body: Body = { title: "Call", responsibleIds: [], priority: "1" };
  await mock.addTask({ title: body.title, priority: 2 });
  return mock.tasks();
}

vitestTest.extend(fixtures)("a fixture of vitest", async ({ vambeMock }) => {
  const [task] = await use(vambeMock);
  const title: string = task.title;
  // @ts-expect-error: no such field of a task
  task.titel = title;
});
playwrightTest.extend<TestFixtures, WorkerFixtures>(ofPlaywright);
playwrightTest.extend(ofPlaywright)("fixtures of Playwright", async ({ request, vambeMock, vambeMockServer }) => {
  expect(await request.get(vambeMockServer.url, { headers: vambeMock.headers })).toBeDefined();
});
nodeTest("a sandbox of node:test", async (t) => void (await use(await sandbox(t))));

export const ofJest = () => use(vambeMock);
export const servers = async () => [await start({ args: ["--strict"], timeoutMs: 5 }), connect("http://127.0.0.1:1")];
export const global = [setup, teardown];
