// A sandbox of vambe-mock for a test: calls of its control plane, by fetch.

import { randomUUID } from "node:crypto";

const server = process.env.VAMBE_MOCK_URL ?? process.env.VAMBE_API_URL;
const token = process.env.VAMBE_MOCK_ADMIN_TOKEN; // a server that does not listen on loopback asks for it

/**
 * A world of its own for a test, named after it; its `url` and `key` are for the client. It opens by itself when it is
 * first asked for. It is not deleted: so `vambe-mock exec` can tell what was refused when a test has failed.
 */
export function sandbox(test) {
  const words = test.name.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 50);
  const name = `${words}-${randomUUID().slice(0, 8)}`;
  return {
    url: server,
    key: `test_${name}`,
    /** Make requests fail, as a rule of the control plane's "Faults" says. */
    fault: (rule) => call("POST", `/faults?sandbox=${name}`, rule),
    /** How often it was asked so; an Error that shows what came closest when it was not as often as `times` says. */
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
