// Faults: switches for failures and delays, the form for a rule, and the rules with their hits.
import {
  attempt, clearProblems, control, live, note, reach, refresh, Refused, root, sandbox, showProblems, soon,
} from "./console.js";
import { delayOf, number } from "./delay.js";

const form = document.getElementById("own-rule");
const cells = [...document.querySelectorAll(".cell")].map((cell) => cell.id);
const shown = () => refresh("rules", ...cells);

/** Do something to the rules, then show what they are, done or not. */
async function change(action, done) {
  await attempt(action, done);
  await attempt(shown);
}

async function remove(ids) {
  for (const id of ids) await control("DELETE", `/faults/${id}`);
}

/** Turn a switch, or its "Once": delete its rules, or set one. */
async function turn(button) {
  const ids = button.dataset.rules.split(" ").filter(Boolean);
  if (ids.length) return remove(ids);
  const rule = { ...JSON.parse(button.parentElement.dataset.trigger), times: JSON.parse(button.dataset.times) };
  const fields = button.closest("tr").querySelector("form");
  if (!fields) return control("POST", "/faults", rule);
  try {
    await control("POST", "/faults", { ...rule, delay_ms: delayOf(fields) });
    clearProblems(fields);
  } catch (error) {
    error.problems = error.problems?.map((problem) => ({ ...problem, path: ["delay_ms"] }));
    showProblems(fields, error);
  }
}

const catalogue = document.getElementById("catalogue");

catalogue.addEventListener("click", async ({ target }) => {
  if (!target.dataset.times || target.ariaBusy) return;
  target.ariaBusy = "true"; // until the answer, a second click has no meaning
  await change(() => turn(target));
  target.ariaBusy = null;
});

catalogue.addEventListener("submit", (event) => event.preventDefault());

document.getElementById("rules").addEventListener("click", async ({ target }) => {
  if (!target.dataset.delete) return;
  await change(() => remove([target.dataset.delete]));
  if (!target.isConnected) document.getElementById("rules-title").focus();
});

document.getElementById("clear").addEventListener("click", () => {
  change(() => control("DELETE", "/faults"), "No rule is set now");
});

document.getElementById("operation").addEventListener("change", ({ target }) => {
  for (const cell of document.querySelectorAll("[data-of]")) {
    cell.classList.toggle("chosen", cell.dataset.of === target.value);
  }
});

function json(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${error.message}`);
  }
}

/** JSON where the text begins as such, else the text itself. */
const jsonOrText = (text) => (/^\s*[[{"]/.test(text) ? json(text) : text);

const READ = {
  "match.query": json,
  "match.json": json,
  "match.status": number,
  status: number,
  headers: json,
  body: jsonOrText,
  skip: number,
  times: number,
  probability: number,
};

/** The rule that the form describes; refused when a field's text cannot be read. */
function rule() {
  const [made, problems] = [{ match: {} }, []];
  for (const [name, text] of new FormData(form)) {
    if (text.trim() === "" || name.startsWith("delay_ms")) continue;
    const part = name.startsWith("match.") ? made.match : made;
    try {
      part[name.replace("match.", "")] = (READ[name] ?? String)(text);
    } catch (error) {
      problems.push({ path: [name], message: error.message });
    }
  }
  if (problems.length) throw new Refused(400, "A field cannot be read", problems);
  const { delay_ms: first, "delay_ms.second": second, "rule-delay_ms-kind": kind } = form.elements;
  const isGiven = first.value.trim() || (kind.value !== "fixed" && second.value.trim());
  if (isGiven) made.delay_ms = delayOf(form.querySelector(".delay"));
  return { ...made, times: made.times ?? null };
}

/** A problem of the match as a whole is about its status. */
const atTheStatus = (problem) => (problem.path.join() === "match" ? { ...problem, path: ["match.status"] } : problem);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await control("POST", "/faults", rule());
    clearProblems(form);
    note("The rule is set");
  } catch (error) {
    error.problems = error.problems?.map(atTheStatus);
    showProblems(form, error);
    showSteps();
  }
  await attempt(shown);
});

/** Open the steps whose fields were refused. */
function showSteps() {
  const wrong = [...form.querySelectorAll("[aria-invalid]")];
  for (const field of wrong) field.closest("details").open = true;
  wrong[0]?.focus();
}

/** Go on to the next step. */
form.addEventListener("click", ({ target }) => {
  const next = document.getElementById(target.dataset.next);
  if (!next) return;
  target.closest("details").open = false;
  next.open = true;
  next.querySelector("select, input").focus();
});

const MAX_BODY = 300; // characters of a body in the address; the sentence shows fewer

let asked = 0; // the number of requests for the sentence: only the last answer counts

/** Fetch the sentence about the rule that the form describes; it stays while a field cannot be read. */
async function describe() {
  const url = new URL(`${root}/__admin/console/faults/sentence`, location.origin);
  try {
    const described = rule();
    if (typeof described.body === "string") described.body = described.body.slice(0, MAX_BODY);
    url.search = new URLSearchParams({ sandbox, rule: JSON.stringify(described) });
  } catch {
    return;
  }
  const turn = (asked += 1);
  const answer = await reach(url);
  const words = await answer.text();
  if (answer.ok && turn === asked) document.getElementById("sentence").innerHTML = words;
}

const describeSoon = soon(() => attempt(describe));
form.addEventListener("input", describeSoon);
form.addEventListener("reset", () => {
  clearProblems(form);
  describeSoon();
});
const again = soon(() => shown().catch(() => {}), 250); // when the server is back, the stream opens again
const ofFaults = ({ changed }) => changed === "faults" && again();
live({ open: again, fault: again, state: ofFaults, reset: again });
addEventListener("focus", again);
