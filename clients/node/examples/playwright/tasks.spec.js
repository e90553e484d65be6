import { expect, test as base } from "@playwright/test";
import { fixtures } from "vambe-mock/playwright";

const test = base.extend(fixtures);

test("a task is created for a user", async ({ request, vambeMock }) => {
  const [maria] = await vambeMock.users();
  const response = await request.post(`${vambeMock.url}/api/public/tasks`, {
    headers: vambeMock.headers,
    data: { title: "Call the client", responsibleIds: [maria.id], priority: "1" },
  });
  expect(response.status()).toBe(201);
  expect(await vambeMock.tasks()).toMatchObject([{ title: "Call the client" }]);
});

test("the vendor is away", async ({ request, vambeMock }) => {
  await vambeMock.fault({ status: 503, times: null });
  const response = await request.get(`${vambeMock.url}/api/public/team-members/all`, { headers: vambeMock.headers });
  expect(response.status()).toBe(503);
  expect(await vambeMock.requests("listTeamMembers")).toHaveLength(1);
});
