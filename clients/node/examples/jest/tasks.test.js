// `vambeMock` is a global of the environment: the sandbox of the test that runs.

const createTask = async (title) => {
  const [maria] = await vambeMock.users();
  return fetch(`${vambeMock.url}/api/public/tasks`, {
    method: "POST",
    headers: { ...vambeMock.headers, "content-type": "application/json" },
    body: JSON.stringify({ title, responsibleIds: [maria.id], priority: "1" }),
  });
};

beforeEach(() => vambeMock.clock.set({ mode: "frozen", now: "2026-03-01T08:00:00.000Z" }));

test("a task has the time of the sandbox's clock", async () => {
  const response = await createTask("Call the client");
  expect(response.status).toBe(201);
  expect(await vambeMock.tasks()).toMatchObject([{ title: "Call the client", created_at: "2026-03-01T08:00:00.000Z" }]);
});

test("a guess about the vendor is flipped", async () => {
  await vambeMock.assume({ "create-status": "200" });
  expect((await createTask("Call the client")).status).toBe(200);
  await vambeMock.verify("createTask", { exactly: 1 });
});

test("the other tests left nothing", async () => {
  expect(await vambeMock.tasks()).toEqual([]);
  await vambeMock.verify("createTask", { never: true });
});
