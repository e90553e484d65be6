// Shared by all pages: calls, live events, notes, confirmation, copying, and the sandbox menu.

export const sandbox = document.body.dataset.sandbox;
export const apiKey = document.body.dataset.apiKey;
export const { root } = document.body.dataset; // the path under which a proxy offers the mock, or empty

/** A refusal of the mock: its status, its message, and the problems of its fields. */
export class Refused extends Error {
  constructor(status, message, problems = []) {
    super(message || `the mock answers ${status}`);
    this.status = status;
    this.problems = problems;
  }
}

/** The answer to a request; an Error says that the server gives none. */
export async function reach(...request) {
  try {
    return await fetch(...request);
  } catch {
    throw new Error("The server does not answer");
  }
}

async function sent(method, path, body, headers = {}, explain = (answer, document) => document.errors) {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  if (body !== undefined) headers = { ...headers, "Content-Type": "application/json" };
  const answer = await reach(path, { method, headers, ...content });
  const document = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, document.message, await explain(answer, document));
  return document;
}

/** A call of the control plane about this page's sandbox. */
export function control(method, path, body) {
  const url = new URL(`${root}/__admin${path}`, location.origin);
  url.searchParams.set("sandbox", sandbox);
  return sent(method, url, body);
}

/** A call of the control plane about the server. */
export const ofTheServer = (method, path, body) => sent(method, `${root}/__admin${path}`, body);

/** Create a sandbox; the query has its name, because a load balancer reads no bodies. */
const create = (name) => ofTheServer("POST", `/sandboxes${name ? `?${new URLSearchParams({ sandbox: name })}` : ""}`, {});

/** A request of the imitated API, as the sandbox's key makes it, or another one. */
export const vambe = (method, path, body, key = apiKey) =>
  sent(method, `${root}/api/public${path}`, body, { "x-api-key": key }, explained);

/** The problems of a refused request that are about a field, as its journal entry explains them. */
async function explained(answer) {
  try {
    const { problems } = await control("GET", `/requests/${answer.headers.get("X-Mock-Request-Id")}`);
    return problems.filter((problem) => problem.path.length);
  } catch {
    return []; // of another sandbox, or gone
  }
}

/** The address of this page, or of another one, for a sandbox. */
export function pageOf(name, path = location.pathname) {
  const url = new URL(path, location.origin);
  url.searchParams.set("sandbox", name);
  return url;
}

/** Show a text for a few seconds; `bad` marks a failure. */
export function note(text, bad = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.classList.toggle("bad", bad);
  const notes = document.getElementById("notes");
  for (const other of [...notes.children]) if (bad && other.textContent === text) other.remove(); // said once
  notes.append(line);
  if (notes.matches(":popover-open")) notes.hidePopover();
  notes.showPopover(); // above a dialog that was opened since
  setTimeout(() => {
    line.remove();
    if (!notes.childElementCount) notes.hidePopover();
  }, bad ? 8000 : 4000);
}

/** Do something, and show the error of a failure; true when it was done. */
export async function attempt(action, done = "") {
  try {
    await action();
    if (done) note(done);
    return true;
  } catch (error) {
    note(error.message, true);
    return false;
  }
}

/** Ask before something is lost; resolves to true to go on. */
export function confirmed(text, yes = "Delete") {
  const dialog = document.getElementById("confirmation");
  dialog.querySelector("p").textContent = text;
  dialog.querySelector(".danger").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** The field of a form that a problem is about: `match.path` for ["match", "path"], else `match`. */
function fieldOf(form, path) {
  const names = path.map((_, index) => path.slice(0, path.length - index).join("."));
  return names.map((name) => form.elements[name]).find((field) => field?.closest?.(".field"));
}

/** Show a refusal at the fields of a form that it names, else in a note. */
export function showProblems(form, error) {
  clearProblems(form);
  const [unplaced, placed] = [[], []];
  for (const problem of error.problems || []) {
    const field = fieldOf(form, problem.path);
    (field ? placed : unplaced).push([field, problem]);
  }
  for (const [field, problem] of placed) {
    const said = document.getElementById(`${field.id}-error`);
    if (said) {
      said.textContent += `. ${problem.message}`;
      continue;
    }
    const line = document.createElement("p");
    line.className = "error";
    line.id = `${field.id}-error`;
    line.textContent = problem.message;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", line.id);
    field.closest(".field").append(line);
  }
  placed[0]?.[0].focus();
  if (unplaced.length || !placed.length) {
    note([error.message, ...unplaced.map(([, problem]) => problem.message)].join(": "), true);
  }
}

/** Forget what was shown at the fields of a form. */
export function clearProblems(form) {
  form.querySelectorAll(".field > .error").forEach((line) => line.remove());
  form.querySelectorAll("[aria-invalid]").forEach((field) => {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  });
}

/** Put children in place by their ids; those that are the same stay, with their focus, scrolling and open menus. */
function replaceChanged(old, now) {
  const known = new Map([...old.children].map((child) => [child.id, child]));
  const children = [...now.children].map((child) => keptOrNew(known.get(child.id), child));
  const staying = new Set(children);
  for (const child of [...old.children]) if (!staying.has(child)) child.remove();
  children.forEach((child, index) => {
    if (old.children[index] !== child) old.insertBefore(child, old.children[index] ?? null);
  });
}

function keptOrNew(old, now) {
  if (old?.isEqualNode(now)) return old;
  if (!old || !("keyed" in now.dataset)) return now;
  for (const { name, value } of now.attributes) old.setAttribute(name, value);
  replaceChanged(old, now);
  return old;
}

async function replaceParts(address, ids) {
  const answer = await reach(address);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!document.dispatchEvent(new CustomEvent("refreshing", { cancelable: true }))) return; // not now, says the page
  for (const id of ids) {
    const [old, now] = [document.getElementById(id), fresh.getElementById(id)];
    if (!old || !now) continue;
    for (const each of now.querySelectorAll("details[id]")) {
      each.open = (document.getElementById(each.id) ?? each).open;
    }
    if (old.innerHTML === now.innerHTML) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    if ("keyed" in old.dataset) replaceChanged(old, now);
    else old.replaceChildren(...now.childNodes);
    if (focused && focused !== document.activeElement?.id) document.getElementById(focused)?.focus({ preventScroll: true });
  }
  document.dispatchEvent(new CustomEvent("refreshed"));
}

let refreshing = Promise.resolve();

/** Fetch this page again, and replace the parts with these ids; calls run one after the other. */
export const refresh = (...ids) => refreshFrom(location.href, ...ids);

/** The same with the parts of another page. */
export function refreshFrom(address, ...ids) {
  refreshing = refreshing.catch(() => {}).then(() => replaceParts(address, ids));
  return refreshing;
}

const RETRY = 2000; // milliseconds

/** Listen to the sandbox's events: `handlers` by kind, of which `open` is that of the stream. Its loss is announced. */
export function live(handlers) {
  const url = new URL(`${root}/__admin/events`, location.origin);
  url.searchParams.set("sandbox", sandbox);
  let stream;
  const hear = () => {
    stream = new EventSource(url);
    for (const [kind, handler] of Object.entries(handlers)) {
      stream.addEventListener(kind, ({ data }) => handler(data && JSON.parse(data)));
    }
    stream.addEventListener("open", () => announce(""));
    stream.addEventListener("error", lost);
    stream.addEventListener("deleted", () => {
      stream.close();
      lost();
    });
  };
  const lost = async () => {
    if (stream.readyState !== EventSource.CLOSED) return announce("lost");
    announce((await isGone()) ? "gone" : "lost");
    setTimeout(hear, RETRY); // the browser gives up after an HTTP error
  };
  hear();
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // back from the history, without one
}

/** True when the server answers, but has no such sandbox. */
const isGone = () => control("GET", "/clock").then(() => false, ({ status }) => status === 404);

const MISSING = {
  lost: (time) => `No connection to the server since ${time}: this page may be old. Connecting again …`,
  gone: () => `The server has no sandbox ${sandbox} any more: this page is old. A request with its key opens a new one.`,
};

/** Say what is missing, and since when; or, with an empty text, nothing. */
function announce(missing) {
  const banner = document.getElementById("offline");
  document.body.toggleAttribute("data-live", !missing);
  if (banner.dataset.missing === missing) return;
  banner.dataset.missing = missing;
  banner.textContent = MISSING[missing]?.(new Date().toLocaleTimeString("en-GB")) ?? "";
}

/** `action` once for many calls, soon after the first of them; the later ones do not put it off. */
export function soon(action, milliseconds = 120) {
  let timer;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      action();
    }, milliseconds);
  };
}

/** Copy a text to the clipboard. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  note("Copied");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copyText ?? document.querySelector(button.dataset.copy).textContent);
  const story = event.target.closest("[data-story]");
  if (story) attempt(async () => (await import("./stories.js")).open(story));
  const menu = document.getElementById("sandbox-menu");
  if (!menu.contains(event.target)) menu.open = false;
});

// The second click of a double click does not send a form again, unless the form is there for that.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[type=submit]");
  if (event.detail > 1 && button && !button.form?.matches("[data-again]")) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  const menu = document.getElementById("sandbox-menu");
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.getElementById("sandbox-choice").addEventListener("change", (event) => {
  location.assign(pageOf(event.target.value));
});

document.getElementById("new-sandbox").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = event.target.querySelector(".error");
  const name = event.target.elements.name.value;
  try {
    const made = await create(name);
    location.assign(pageOf(made.name));
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

document.querySelector("[data-create-sandbox]")?.addEventListener("click", (event) => {
  attempt(async () => {
    await create(event.target.dataset.createSandbox);
    location.reload();
  });
});
