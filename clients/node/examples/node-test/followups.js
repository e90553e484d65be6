// Creates one follow-up task in Vambe for a deal of a CRM, whatever fails on the way.
//
// Vambe has no idempotency key, and a lost answer does not tell if the task was created. So the task has its deal's
// reference in its description, and every attempt first looks for a task with that reference.

import { setTimeout as wait } from "node:timers/promises";

const PAUSES = [0.5, 1, 2, 4]; // seconds after each failed attempt; one attempt follows the last pause
const LONGEST_PAUSE = 60; // seconds; a deal that has to wait longer is left to the next run

/** Vambe refused a request, with `status`; or no readable answer came: then `status` is undefined. */
export class VambeError extends Error {
  constructor(message, { status, retryAfter = 0, cause } = {}) {
    super(message, { cause });
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** True when the same request may succeed later. */
  get mayPass() {
    return this.status === undefined || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** A client of Vambe's API; the environment gives the URL and the key unless the caller does. */
export class Vambe {
  constructor({ url = process.env.VAMBE_API_URL, key = process.env.VAMBE_API_KEY, timeoutMs = 10_000 } = {}) {
    this.tasks = `${url}/api/public/tasks`;
    this.key = key;
    this.timeoutMs = timeoutMs;
  }

  /** All tasks of a user: one that somebody has moved to another day is still the same task. */
  tasksOf(userId) {
    const query = new URLSearchParams({ responsibleIds: userId, fromDate: "2000-01-01", toDate: "2099-12-31" });
    return this.#ask(`${this.tasks}?${query}`);
  }

  /** Create a task, and return it. */
  createTask(fields) {
    return this.#ask(this.tasks, { method: "POST", body: JSON.stringify(fields) });
  }

  async #ask(url, options = {}) {
    const headers = { "x-api-key": this.key, "content-type": "application/json" };
    let response, answer;
    try {
      response = await fetch(url, { ...options, headers, signal: AbortSignal.timeout(this.timeoutMs) });
      answer = response.ok ? await response.json() : await response.text();
    } catch (cause) {
      throw new VambeError(`no answer: ${cause.cause?.message ?? cause.message}`, { cause });
    }
    if (!response.ok) {
      const retryAfter = Number(response.headers.get("retry-after")) || 0; // 0 for a date: PAUSES apply
      throw new VambeError(`${response.status} ${answer}`, { status: response.status, retryAfter });
    }
    return answer;
  }
}

/** The follow-up task of a deal `{ number, customer, ownerId, followUpOn }`, created if missing, or a VambeError. */
export async function followUp(deal, vambe = new Vambe(), sleep = (seconds) => wait(seconds * 1000)) {
  // The brackets keep [deal:47] from matching [deal:4711].
  const reference = `[deal:${deal.number}]`;
  return withRetries(async () => {
    const tasks = await vambe.tasksOf(deal.ownerId);
    return tasks.find((task) => task.description.includes(reference)) ?? vambe.createTask(fieldsOf(deal, reference));
  }, sleep);
}

function fieldsOf(deal, reference) {
  return {
    title: `Follow up with ${deal.customer}`,
    description: `From the CRM ${reference}`,
    responsibleIds: [deal.ownerId],
    priority: "1",
    dueDate: deal.followUpOn,
    dueTime: "09:00",
    timezone: "America/Santiago",
  };
}

/** Retry until success, a permanent error, or the last attempt. */
async function withRetries(attempt, sleep) {
  for (const pause of PAUSES) {
    try {
      return await attempt();
    } catch (error) {
      const seconds = Math.max(pause, error.retryAfter ?? 0);
      if (!error.mayPass || seconds > LONGEST_PAUSE) throw error;
      await sleep(seconds);
    }
  }
  return attempt();
}
