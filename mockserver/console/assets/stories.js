// Stories: real requests of a client, sent one after the other, each shown with its answer.
import { apiKey, control, root } from "./console.js";
import { pageOfRequest } from "./replay.js";

const PAUSE = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 400; // milliseconds between two steps
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let stories = []; // read from the page before it stops offering them, when the sandbox is not empty any more

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Run the story of a button in a dialog. */
export function open(button) {
  if (document.getElementById("story")) return; // a double click
  stories = [...document.querySelectorAll("[data-story]")].map((each) => JSON.parse(each.dataset.story));
  const dialog = made("dialog", { id: "story" });
  dialog.setAttribute("aria-labelledby", "story-title");
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return run(JSON.parse(button.dataset.story), dialog);
}

async function run(story, dialog) {
  const progress = { rule: null, known: {}, entry: null, list: made("ol", { className: "steps" }) };
  const close = made("button", { type: "button", className: "quiet", textContent: "Close", onclick: () => dialog.close() });
  const more = made("p", { className: "small another" });
  const conclusion = made("p", { className: "conclusion" });
  conclusion.setAttribute("role", "status");
  const buttons = made("div", { className: "buttons" }, close);
  dialog.replaceChildren(made("h2", { id: "story-title", textContent: story.title }), progress.list, conclusion, more, buttons);
  close.focus();
  try {
    progress.known = await days();
    for (const step of story.steps) {
      if (!progress.list.isConnected) return; // the dialog was closed
      await take(step, progress);
      await pause(PAUSE);
    }
    conclusion.textContent = story.conclusion;
  } catch (error) {
    conclusion.classList.add("bad");
    conclusion.textContent = `The story ends here: ${error.message}`;
  } finally {
    if (progress.rule) await control("DELETE", `/faults/${progress.rule}`).catch(() => {}); // deleted already, or the server is gone
  }
  more.append("Another story: ", ...others(story, dialog));
  if (progress.entry) buttons.append(linkTo(progress.entry));
  buttons.lastElementChild.focus();
}

const others = (story, dialog) =>
  stories
    .filter(({ name }) => name !== story.name)
    .map((other) => made("button", {
      type: "button", className: "quiet tiny", textContent: other.title, onclick: () => run(other, dialog),
    }));

/** The page of a journal entry. */
const linkTo = (entry) =>
  made("a", {
    className: "button",
    href: pageOfRequest(entry),
    textContent: `Request ${entry} explains it`,
  });

/** The sandbox's day, and the one before. */
async function days() {
  const { now } = await control("GET", "/clock");
  return { today: now.slice(0, 10), yesterday: new Date(Date.parse(now) - 864e5).toISOString().slice(0, 10) };
}

/** Take a step and show it; throws when the answer is not the one that the story expects. */
async function take(step, progress) {
  const shown = made("li", { className: "running" }, made("p", { textContent: step.say }));
  progress.list.append(shown);
  try {
    if (step.rule) {
      progress.rule = (await control("POST", "/faults", step.rule)).id;
      shown.append(line("Fault rule", progress.rule, "warn"));
    } else await ask(filled(step, progress.known), progress, shown);
    shown.className = "done";
  } catch (error) {
    shown.className = "failed";
    throw error;
  }
}

const filled = (step, known) =>
  JSON.parse(JSON.stringify(step).replace(/\$(\w+)/g, (text, name) => known[name] ?? text));

function line(sent, answered, kind, more = "") {
  const answer = made("span", { className: `tag ${kind}`, textContent: answered });
  return made("p", { className: "small" }, made("code", { textContent: sent }), " ", answer, more && ` ${more}`);
}

async function ask(step, progress, shown) {
  if (step.waits) await pause(1000 * progress.retryAfter);
  if (!progress.list.isConnected) return;
  const answer = await answerTo(step, progress);
  const status = answer.status ?? "no answer";
  const kind = answer.status === null || answer.status >= 400 ? "bad" : "good";
  const entry = answer.entry ?? (await entryOf(progress.rule));
  progress.retryAfter = answer.retryAfter;
  progress.known.number ??= entry;
  progress.known.person ??= answer.document?.[0]?.id;
  shown.append(line(`${step.method} ${step.path.split("?")[0]}`, status, kind, remark(answer, step, progress.known)));
  if (step.explains || answer.status !== step.status) progress.entry = entry;
  check(step, answer, progress.known);
}

/** The answer to a step. Where the browser has sent a lost request again by itself, that answer is the next step's. */
async function answerTo(step, progress) {
  const answer = progress.early ?? (await sent(step));
  progress.early = null;
  if (step.status !== null || answer.status === null || !(await entryOf(progress.rule))) return answer;
  progress.early = { ...answer, isByBrowser: true };
  return { status: null };
}

/** The mock's answer: its status, null when none comes, its entry in the journal, and its content. */
async function sent({ method, path, body, status }) {
  const headers = { "x-api-key": apiKey, ...(body && { "Content-Type": "application/json" }) };
  // On a connection that it has used before, a browser sends a lost request again; this often makes it open another one.
  const credentials = status === null ? "omit" : "same-origin";
  try {
    const answer = await fetch(`${root}/api/public${path}`, { method, headers, credentials, body: JSON.stringify(body) });
    const entry = answer.headers.get("X-Mock-Request-Id");
    if (!entry && status === null) return { status }; // a proxy answers in place of the mock
    return {
      status: answer.status,
      entry,
      retryAfter: answer.headers.get("Retry-After"),
      document: read(await answer.text()),
    };
  } catch {
    return { status: null };
  }
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The journal entry of the request that a rule hit, which is not known from an answer when that was lost. */
async function entryOf(rule) {
  const { requests } = await control("GET", "/requests?operation=createTask");
  return requests.findLast(({ fault }) => fault?.id === rule)?.id;
}

const ofStory = ({ document }, { number }) => [document ?? []].flat().filter(({ title }) => title?.endsWith(`(${number})`));

/** The part of an answer that the story is about. */
function remark(answer, step, known) {
  if (answer.isByBrowser) return "sent by the browser itself";
  if (answer.retryAfter) return `Retry-After: ${answer.retryAfter}`;
  if (answer.document?.due_at) return `due_at ${answer.document.due_at}`;
  if (answer.status !== 200 || step.finds === undefined) return "";
  return ofStory(answer, known).map(({ title }) => title).join(", ");
}

function check(step, answer, known) {
  const hint = "Other fault rules and settings of this sandbox change how a story goes.";
  if (answer.status !== step.status) {
    const [expected, came] = [step.status, answer.status].map((status) => status ?? "no answer");
    throw new Error(`it expects ${expected}, and there was ${came}. ${answer.document?.message ?? ""} ${hint}`);
  }
  const found = step.finds === undefined ? undefined : ofStory(answer, known).length;
  if (found !== step.finds) throw new Error(`it expects ${step.finds} of its tasks in the list, and there were ${found}. ${hint}`);
}
