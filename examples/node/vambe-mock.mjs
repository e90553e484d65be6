// A sandbox of vambe-mock for a test: calls of its control plane with fetch.

import { randomUUID } from "node:crypto";

const server = process.env.VAMBE_MOCK_URL ?? process.env.VAMBE_API_URL;
const token = process.env.VAMBE_MOCK_ADMIN_TOKEN; // required by a server that does not listen on loopback

/**
 * A sandbox for one test, named after it; its `url` and `key` are for the client. Its first use creates it. It is not
 * deleted, so that `vambe-mock exec` can report its refused requests after a failed test.
 */
export function sandbox(test) {
  const words = test.name.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 50);
  const name = `${words}-${randomUUID().slice(0, 8)}`;
  return {
    url: server,
    key: `test_${name}`,
    /** Add a fault rule: make matching requests fail (control plane, "Faults"). */
    fault: (rule) => call("POST", `/faults?sandbox=${name}`, rule),
    /** The count of matching requests; an Error that shows the near misses when it is not within `times`. */
    verify: (request, times) => call("POST", `/requests/verify?sandbox=${name}`, { request, times }),
    tasks: async () => (await call("GET", `/state?sandbox=${name}`)).tasks,
  };
}

async function call(method, path, body) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), "content-type": "application/json" };
  const response = await fetch(`${server}/__admin${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
