// The world: clock, snapshots, settings, guesses and reset, kept up to date by events.
import {
  attempt, clearProblems, confirmed, control, live, note, ofTheServer, pageOf, refresh, sandbox, showProblems, soon,
} from "./console.js";
import { delayOf, number } from "./delay.js";

const PARTS = ["team", "statuses", "contacts", "customers", "clock", "snapshots"];
const shown = () => refresh(...PARTS);
/** Replace the settings too, and with them the changes in the form that are not saved. */
const allShown = () => refresh(...PARTS, "settings-fields", "assume");

/** Do something, then show the world as it is, whether it was done or not. */
async function change(action, done, show = shown) {
  const was = await attempt(action, done);
  await attempt(show);
  return was;
}

/** Send a form, and show a refusal at its fields. */
function onSubmit(id, action, done, show = shown) {
  const form = document.getElementById(id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await action(form);
      clearProblems(form);
      await attempt(show);
      note(done); // now that no answer can undo what is typed next
    } catch (error) {
      showProblems(form, error);
    }
  });
}

document.getElementById("clock").addEventListener("click", ({ target }) => {
  if (target.dataset.mode) change(() => control("PUT", "/clock", { mode: target.dataset.mode }));
});

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => {
    change(() => control("POST", "/clock/advance", { seconds: Number(button.dataset.advance) }));
  });
}

onSubmit(
  "advance",
  (form) => control("POST", "/clock/advance", { seconds: number(form.elements.seconds.value) }),
  "The clock has moved on",
);

onSubmit(
  "set-clock",
  (form) => control("PUT", "/clock", { now: form.elements.now.value && `${form.elements.now.value}Z` }),
  "The clock is set",
);

setInterval(() => {
  const now = document.getElementById("now");
  if (!("runs" in now.dataset)) return;
  now.dateTime = new Date(Date.parse(now.dateTime) + 1000).toISOString();
  now.textContent = now.dateTime;
}, 1000);

onSubmit("take", takeSnapshot, "The snapshot is taken");

async function takeSnapshot(form) {
  const field = form.elements.name;
  try {
    await control("POST", "/snapshots", { name: field.value });
  } catch (error) {
    error.problems = [{ path: ["name"], message: error.message }];
    throw error;
  }
  field.value = "";
}

async function restore(name) {
  const text = `Put ${sandbox} back as ${name} has it? What has changed since is lost, but for the journal.`;
  if (!(await confirmed(text, "Restore"))) return;
  await change(() => control("POST", `/snapshots/${name}/restore`), `${name} is restored`, allShown);
}

async function forget(name) {
  if (!(await confirmed(`Delete the snapshot ${name}?`))) return;
  if (await change(() => control("DELETE", `/snapshots/${name}`))) document.getElementById("snapshots-title").focus();
}

document.getElementById("snapshots").addEventListener("click", ({ target }) => {
  if (target.dataset.restore) restore(target.dataset.restore);
  if (target.dataset.forget) forget(target.dataset.forget);
});

onSubmit("settings", saveSettings, "The settings are saved", allShown);

function saveSettings(form) {
  const { strict } = form.elements;
  const delay_ms = delayOf(form.querySelector(".delay"));
  const limit = {};
  for (const name of ["requests", "seconds"]) {
    const text = form.elements[`rate_limit.${name}`].value;
    if (text.trim()) limit[name] = number(text);
  }
  const rate_limit = Object.keys(limit).length ? limit : null;
  return control("PATCH", "/settings", { strict: strict.checked, delay_ms, rate_limit });
}

document.getElementById("assume").addEventListener("change", ({ target }) => {
  const assume = { [target.dataset.assume]: target.value };
  change(() => control("PATCH", "/settings", { assume }), `${target.dataset.assume} is ${target.value}`, allShown);
});

document.getElementById("assume").addEventListener("click", async ({ target }) => {
  const name = target.dataset.back;
  if (!name) return;
  await change(() => control("PATCH", "/settings", { assume: { [name]: null } }), `${name} is back`, allShown);
  document.getElementById(`assume-${name}`).focus();
});

document.getElementById("reset").addEventListener("submit", async (event) => {
  event.preventDefault();
  const chosen = new FormData(event.target);
  const [to, only] = [chosen.get("to"), chosen.getAll("only")];
  if (!only.length) return note("Choose the parts to reset", true);
  const goal = to === "empty" ? "to nothing but people and statuses" : "to the fixtures";
  if (!(await confirmed(`Reset ${only.join(", ")} of ${sandbox} ${goal}? What is there is lost.`, "Reset"))) return;
  await change(() => control("POST", "/reset", { to, only }), `${sandbox} is reset`, allShown);
});

document.getElementById("delete-sandbox")?.addEventListener("click", async () => {
  const text = `Delete the sandbox ${sandbox}, with its tasks, its journal and its snapshots?`;
  if (!(await confirmed(text))) return;
  await attempt(async () => {
    await ofTheServer("DELETE", `/sandboxes/${sandbox}`);
    location.assign(pageOf("default"));
  });
});

const again = soon(() => shown().catch(() => {}), 250); // when the server is back, the stream opens again
const all = soon(() => allShown().catch(() => {}));
const changed = ({ changed: part }) => (part === "settings" ? all() : again());
live({ open: again, state: changed, request: again, reset: all });
addEventListener("focus", again);
