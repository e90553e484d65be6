// The server as a process of the Python command, which ends with this process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { clearTimeout, setTimeout } from "node:timers";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const LONGEST_STOP_MS = 10_000;
const LONGEST_LINE = 10_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const GROUPS = process.platform !== "win32"; // a group of its own: the signals of a terminal come by this process
const running = new Set();

/** Start `vambe-mock serve` on a free port; return its URL, the token that it made, and how to stop it. */
export async function startProcess(args, env, timeoutMs) {
  for (const [command, ...words] of commands(env)) {
    const child = spawn(command, [...words, "serve", "--port", "0", ...args, "--json"], {
      env,
      detached: GROUPS,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    try {
      const { url, admin_token } = await ready(child, timeoutMs);
      letGo(child);
      return { url, token: admin_token, stop: () => stop(child) };
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
async function ready(child, timeoutMs) {
  let complaint = "";
  running.add(child);
  watchOver();
  child.once("close", () => forget(child));
  child.stderr.setEncoding("utf8").on("data", (text) => (complaint = (complaint + text).slice(-2_000)));
  const late = setTimeout(() => {
    complaint += `not ready after ${timeoutMs} ms`;
    kill(child);
  }, timeoutMs);
  try {
    await once(child, "spawn");
    const line = await firstLine(child.stdout);
    if (line !== undefined) return parsed(line);
    const [code, signal] = await ended(child);
    throw new Error(`${complaint.trim() || "it printed nothing"} (${signal ?? `exit code ${code}`})`);
  } catch (error) {
    kill(child);
    forget(child);
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** The first line of an output, or undefined when there is none. */
function firstLine(output) {
  let printed = "";
  return new Promise((resolve) => {
    output.setEncoding("utf8").on("data", (text) => {
      printed += text;
      if (printed.includes("\n") || printed.length > LONGEST_LINE) resolve(printed.split("\n", 1)[0]);
    });
    output.once("close", () => resolve(undefined));
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

/** Let this process end while the server runs. */
function letGo(child) {
  for (const handle of [child, child.stdout, child.stderr]) handle.unref();
}

async function stop(child) {
  for (const handle of [child, child.stdout, child.stderr]) handle.ref();
  end(child, "SIGTERM");
  const late = setTimeout(() => kill(child), LONGEST_STOP_MS);
  await ended(child);
  clearTimeout(late);
}

/** Wait until nobody writes to the output any more: the command may be a shell, which ends before its server. */
async function ended(child) {
  if (running.has(child)) await once(child, "close");
  return [child.exitCode, child.signalCode];
}

/** Kill the server, and read no more: a process that has left its group may hold the output open. */
function kill(child) {
  end(child, "SIGKILL");
  child.stdout.destroy();
  child.stderr.destroy();
}

/** Send a signal to the server, and to `uvx` if that has started it. */
function end(child, signal) {
  if (!running.has(child) || child.pid === undefined) return;
  try {
    if (GROUPS) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // It has just ended.
  }
}

function watchOver() {
  if (running.size > 1) return;
  process.on("exit", endAll);
  for (const signal of SIGNALS) process.on(signal, endOnSignal);
}

function forget(child) {
  if (!running.delete(child) || running.size > 0) return;
  process.off("exit", endAll);
  for (const signal of SIGNALS) process.off(signal, endOnSignal);
}

function endAll() {
  for (const child of running) end(child, "SIGTERM");
}

/** End the servers and this process, as the signal would have; where somebody else listens, that is theirs to do. */
function endOnSignal(signal) {
  if (process.listenerCount(signal) > 1) return;
  endAll();
  process.off(signal, endOnSignal);
  process.kill(process.pid, signal);
}
