// The README's request through the client that @hey-api/openapi-ts generates.
import { client } from "./generated/client.gen.ts";
import { createTask, deleteTask, listContacts } from "./generated/index.ts";

declare const process: { env: Record<string, string> };

client.setConfig({ baseUrl: process.env.VAMBE_API_URL, headers: { "x-api-key": process.env.VAMBE_API_KEY } });
const created = await createTask({
  body: {
    title: "Call the client",
    responsibleIds: ["228d7a0d-9072-4ca8-939b-959b75cc606a"],
    priority: "1",
    dueDate: "2025-11-26",
    dueTime: "14:30",
    timezone: "America/Santiago",
  },
});
const refused = await deleteTask({ path: { id: "dddddddd-dddd-4ddd-8ddd-dddddddddddd" } });
const contacts = await listContacts();
if (created.error || !created.data || !refused.error || !contacts.data) throw new Error("not as the description says");
// @ts-expect-error: the message is typed, and no number
const _: number = refused.error.message;
const { due_at }: { due_at: string | null } = created.data;
const { message, statusCode }: { message: string | string[]; statusCode: number } = refused.error;
const names: string[] = contacts.data.map((contact) => contact.name);
console.log(JSON.stringify({ due_at, message, statusCode, name: names[0] }));
