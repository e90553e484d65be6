// The global set-up of vitest, Jest and Playwright: one server for all workers, which find it in the environment.

import { start } from "./index.js";

let started;

export default async function setup() {
  if (process.env.VAMBE_MOCK_URL) return undefined;
  started = await start();
  process.env.VAMBE_MOCK_URL = started.url;
  if (started.adminToken) process.env.VAMBE_MOCK_ADMIN_TOKEN = started.adminToken;
  return teardown;
}

export async function teardown() {
  if (!started) return;
  const server = started;
  started = undefined;
  delete process.env.VAMBE_MOCK_URL;
  await server.stop();
}
