// Calls of the control plane. They use node:http and not `fetch`, which the tests of a client often replace.

import http from "node:http";
import https from "node:https";

const TIMEOUT_MS = 10_000;
const timeout = AbortSignal.timeout.bind(AbortSignal); // kept, because the mock timers of Node 24 replace it

/** The server cannot be reached (`status` is undefined), or refused a call; `document` is its answer. */
export class CallFailed extends Error {
  constructor(message, { status, document, cause } = {}) {
    super(message, { cause });
    this.name = "CallFailed";
    this.status = status;
    this.document = document;
  }
}

/** Make a call, which the server may delay by `waitMs` milliseconds, and return the answer. */
export async function call({ url, adminToken }, method, path, { body, query = {}, waitMs = 0 } = {}) {
  const target = `${url}/__admin${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams(query)}`;
  const content = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...(adminToken && { authorization: `Bearer ${adminToken}` }),
    ...(content && { "content-type": "application/json", "content-length": Buffer.byteLength(content) }),
  };
  const signal = timeout(TIMEOUT_MS + waitMs);
  const [status, text] = await exchange(target, { method, headers, signal, agent: false }, content).catch((cause) => {
    const reason = cause.cause?.message || cause.message || cause.code;
    throw new CallFailed(`${method} ${path}: ${url} does not answer: ${reason}`, { cause });
  });
  const document = parsed(text);
  if (status < 400 && document !== undefined) return document;
  const message = document?.statusCode
    ? `${status} ${document.message}${reasons(document)}`
    : `${status}, no vambe-mock: check the URL`;
  throw new CallFailed(`${method} ${path}: ${url}: ${message}`, { status, document });
}

function exchange(target, options, content) {
  return new Promise((resolve, reject) => {
    const { request } = target.startsWith("https:") ? https : http;
    const sent = request(target, options, async (response) => {
      try {
        resolve([response.statusCode, Buffer.concat(await response.toArray()).toString()]);
      } catch (error) {
        reject(error);
      }
    });
    sent.on("error", reject);
    sent.end(content);
  });
}

function parsed(text) {
  try {
    const document = JSON.parse(text);
    return document instanceof Object ? document : undefined;
  } catch {
    return undefined;
  }
}

function reasons({ errors = [] }) {
  return errors.map(({ path, message }) => `; ${path.join(".")}: ${message}`).join("");
}
