// The server as a process of the Python command. It ends with this process, because its standard input does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { clearTimeout, setTimeout } from "node:timers";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const LONGEST_STOP_MS = 10_000;
const LONGEST_LINE = 10_000;
const GROUPS = process.platform !== "win32"; // a group of its own, which the signals of a terminal do not reach

/** Start `vambe-mock serve` on a free port; return its URL, the token that it made, and how to stop it. */
export async function startProcess(args, env, timeoutMs) {
  for (const [command, ...words] of commands(env)) {
    const options = ["--port", "0", ...args, "--json", "--stop-with-stdin"];
    const child = spawn(command, [...words, "serve", ...options], { env, detached: GROUPS, windowsHide: true });
    // When nobody writes to its output any more: the command may be a shell, which ends before its server.
    const closed = new Promise((resolve) => child.once("close", () => resolve(undefined)));
    try {
      const { url, admin_token } = await ready(child, closed, timeoutMs);
      for (const handle of [child, ...child.stdio]) handle.unref();
      return { url, token: admin_token, stop: () => stop(child, closed) };
    } catch (error) {
      if (error.code !== "ENOENT" || env.VAMBE_MOCK_BIN) {
        throw new Error(`${[command, ...words].join(" ")} did not start: ${error.message}. ${choices(env)}`);
      }
    } finally {
      for (const output of [child.stdout, child.stderr]) output.removeAllListeners("data").resume();
    }
  }
  throw new Error(`vambe-mock was not found. ${choices(env)}`);
}

function commands({ VAMBE_MOCK_BIN }) {
  return VAMBE_MOCK_BIN ? [[VAMBE_MOCK_BIN]] : [["vambe-mock"], ["uvx", `vambe-mock@${version}`]];
}

function choices({ VAMBE_MOCK_BIN }) {
  const bin = VAMBE_MOCK_BIN ? `is ${VAMBE_MOCK_BIN}` : "is not set";
  return `Tried in this order: VAMBE_MOCK_BIN, which ${bin}; then \`vambe-mock\` and \`uvx\` on the PATH`;
}

/** The line with which the server says that it is ready; an Error has what it says instead. */
async function ready(child, closed, timeoutMs) {
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (complaint = (complaint + text).slice(-2_000)));
  const late = setTimeout(() => {
    complaint += `not ready after ${timeoutMs} ms`;
    kill(child);
  }, timeoutMs);
  try {
    await once(child, "spawn");
    const line = await Promise.race([firstLine(child.stdout), closed]);
    if (line !== undefined) return parsed(line);
    throw new Error(`${complaint.trim() || "it printed nothing"} (${child.signalCode ?? `exit code ${child.exitCode}`})`);
  } catch (error) {
    kill(child);
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** The first line of an output, once there is one. */
function firstLine(output) {
  let printed = "";
  return new Promise((resolve) => {
    output.setEncoding("utf8").on("data", (text) => {
      printed += text;
      if (printed.includes("\n") || printed.length > LONGEST_LINE) resolve(printed.split("\n", 1)[0]);
    });
  });
}

function parsed(line) {
  try {
    const document = JSON.parse(line);
    return { ...document, url: new URL(document.url).href };
  } catch {
    throw new Error(`it printed ${JSON.stringify(line.slice(0, 500))}, and not that it is ready`);
  }
}

async function stop(child, closed) {
  for (const handle of [child, child.stdout, child.stderr]) handle.ref();
  child.stdin.destroy();
  const late = setTimeout(() => kill(child), LONGEST_STOP_MS);
  await closed;
  clearTimeout(late);
}

/** Kill the server, and `uvx` if that has started it; a process that has left their group may hold the output open. */
function kill(child) {
  try {
    if (GROUPS) process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    // It has just ended.
  }
  for (const stream of child.stdio) stream.destroy();
}
