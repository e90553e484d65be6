// Start a server of vambe-mock, or connect to one, and create sandboxes in it.

import { CallFailed } from "./lib/calls.js";
import { startProcess } from "./lib/process.js";
import { Sandbox, Server } from "./lib/sandbox.js";

export { CallFailed, Sandbox, Server };

export function connect(url, adminToken = process.env.VAMBE_MOCK_ADMIN_TOKEN) {
  return new Server(url, adminToken);
}

export async function start({ args = [], env = {}, timeoutMs = 60_000 } = {}) {
  const environment = { ...process.env, ...env };
  const { url, token, stop } = await startProcess(args, environment, timeoutMs);
  return new Server(url, token ?? environment.VAMBE_MOCK_ADMIN_TOKEN, stop);
}

let started;

export async function server() {
  const url = process.env.VAMBE_MOCK_URL; // read each time: in its watch mode, Jest starts a server for each run
  if (url) return connect(url);
  return (started ??= start());
}
