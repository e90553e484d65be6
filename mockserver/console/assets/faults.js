// Faults: switches for the failures there are, rules of one's own, and the rules that are set with their hits.
import { attempt, clearProblems, control, live, note, refresh, Refused, showProblems, soon } from "./console.js";

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

/** What a click on a switch, or on its "Once", means: the rules that it stands for go, or one comes. */
function turn(button) {
  const ids = button.dataset.rules.split(" ").filter(Boolean);
  if (ids.length) return remove(ids);
  const rule = { ...JSON.parse(button.parentElement.dataset.trigger), times: JSON.parse(button.dataset.times) };
  return control("POST", "/faults", rule);
}

document.getElementById("catalogue").addEventListener("click", async ({ target }) => {
  if (!target.dataset.times || target.ariaBusy) return;
  target.ariaBusy = "true"; // what a second click means is only known when the first has been answered
  await change(() => turn(target));
  target.ariaBusy = null;
});

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

/** A number where the text is one, else the text, for the mock to refuse. */
function number(text) {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

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
  delay_ms: number,
  skip: number,
  times: number,
  probability: number,
};

/** The rule that the form describes; refused when a field's text cannot be read. */
function rule() {
  const [made, problems] = [{ match: {} }, []];
  for (const [name, text] of new FormData(form)) {
    if (text.trim() === "") continue;
    const part = name.startsWith("match.") ? made.match : made;
    try {
      part[name.replace("match.", "")] = (READ[name] ?? String)(text);
    } catch (error) {
      problems.push({ path: [name], message: error.message });
    }
  }
  if (problems.length) throw new Refused(400, "A field cannot be read", problems);
  return { ...made, times: made.times ?? null };
}

/** What is wrong with the match as a whole is that it has a status. */
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
  }
  await attempt(shown);
});

form.addEventListener("reset", () => clearProblems(form));
const again = soon(() => shown().catch(() => {}), 250); // when the server is back, the stream opens again
const ofFaults = ({ changed }) => changed === "faults" && again();
live({ open: again, fault: again, state: ofFaults, reset: again });
addEventListener("focus", again);
