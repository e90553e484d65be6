// A server, and its sandboxes: each with its own data, clock, faults and journal.

import { AssertionError } from "node:assert";
import { randomUUID } from "node:crypto";

import { call, CallFailed } from "./calls.js";

export class Server {
  #stop;

  constructor(url, adminToken, stop = async () => {}) {
    this.url = url.replace(/\/+$/, "");
    this.adminToken = adminToken;
    this.#stop = stop;
  }

  async sandbox(title = "test") {
    const words = title.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 50);
    const query = { sandbox: `${words}-${randomUUID().slice(0, 8)}` };
    const { name, api_key } = await call(this, "POST", "/sandboxes", { query });
    if (!api_key) throw new CallFailed(`POST /sandboxes: ${this.url}: no key, no vambe-mock: check the URL`);
    return new Sandbox(this, name, api_key);
  }

  stop() {
    return this.#stop();
  }
}

export class Sandbox {
  #server;

  constructor(server, name, key) {
    this.#server = server;
    this.name = name;
    this.url = server.url;
    this.key = key;
    this.headers = { "x-api-key": key };
    this.env = { VAMBE_API_URL: this.url, VAMBE_API_KEY: key };
    this.clock = new Clock(this);
  }

  call(method, path, body, { waitMs } = {}) {
    return call(this.#server, method, path, { body, query: { sandbox: this.name }, waitMs });
  }

  state() {
    return this.call("GET", "/state");
  }

  setState(state) {
    return this.call("PUT", "/state", state);
  }

  async tasks() {
    return (await this.state()).tasks;
  }

  async users() {
    return (await this.state()).users;
  }

  addTask(task = {}) {
    return this.call("POST", "/tasks", task);
  }

  async requests(pattern = {}) {
    return (await this.call("POST", "/requests/find", patternOf(pattern))).requests;
  }

  verify(pattern, times = { at_least: 1 }, { timeoutMs = 0 } = {}) {
    return this.#verified({ request: patternOf(pattern), times }, timeoutMs);
  }

  verifySequence(patterns, { timeoutMs = 0 } = {}) {
    return this.#verified({ sequence: patterns.map(patternOf) }, timeoutMs);
  }

  async #verified(verification, timeoutMs) {
    const body = { ...verification, timeout_ms: timeoutMs };
    try {
      return (await this.call("POST", "/requests/verify", body, { waitMs: timeoutMs })).actual;
    } catch (error) {
      if (error.status !== 409) throw error;
      const { message, expected, actual, near_misses } = error.document;
      const text = [message, ...near_misses.flatMap(missed)].join("\n");
      throw new AssertionError({ message: text, expected, actual, operator: "fail" }); // Jest then prints no difference
    }
  }

  fault(rule) {
    return this.call("POST", "/faults", rule);
  }

  async faults() {
    return (await this.call("GET", "/faults")).faults;
  }

  clearFaults() {
    return this.call("DELETE", "/faults");
  }

  settings() {
    return this.call("GET", "/settings");
  }

  configure(change) {
    return this.call("PATCH", "/settings", change);
  }

  assume(switches) {
    return this.configure({ assume: switches });
  }

  reset(what = {}) {
    return this.call("POST", "/reset", what);
  }

  delete() {
    return this.call("DELETE", `/sandboxes/${this.name}`);
  }
}

class Clock {
  #sandbox;

  constructor(sandbox) {
    this.#sandbox = sandbox;
  }

  get() {
    return this.#sandbox.call("GET", "/clock");
  }

  set(change) {
    return this.#sandbox.call("PUT", "/clock", change);
  }

  advance(seconds) {
    return this.#sandbox.call("POST", "/clock/advance", { seconds });
  }
}

function patternOf(pattern) {
  return typeof pattern === "string" ? { operation: pattern } : pattern;
}

function missed({ id, request, status, differences }) {
  const found = differences.map(
    ({ field, expected, actual }) =>
      `    ${field}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual) ?? "nothing"}`,
  );
  return [`  close: #${id}  ${request}  ${status ?? "no answer"}`, ...found];
}
