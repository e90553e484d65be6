// The reference: Swagger UI over the mock's own description, with a key and with examples that work at once.
import { apiKey, ofTheServer, root, sandbox, vambe } from "./console.js";

const ALL_TASKS = "/tasks?responsibleIds=&fromDate=0001-01-01&toDate=9999-12-31";
const NAMES = {
  ".close-modal": "Close",
  ".body-param__text": "Request body",
  ".examples-select-element": "Example",
  ".content-type": "Media type",
};
const place = document.getElementById("reference");
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The description with no address but this page's, and with the example of each parameter where Swagger UI reads it. */
function prepared(description) {
  const operations = Object.values(description.paths).flatMap((methods) => Object.values(methods));
  for (const parameter of operations.flatMap((operation) => operation.parameters)) {
    parameter.example = parameter.schema.examples[0];
  }
  return { ...description, servers: root ? [{ url: location.origin + root }] : [] };
}

/** The description's examples of a task's id, and of the body that creates a task. */
function examplesOf(description) {
  const [create, update] = [description.paths["/api/public/tasks"].post, description.paths["/api/public/tasks/{id}"].put];
  const id = update.parameters.find((parameter) => parameter.name === "id").example;
  return [id, create.requestBody.content["application/json"].examples.example.value];
}

/** A task to show an operation with, when the example's is not there: the newest one, or one that is created for it. */
async function standIn(id, body, key) {
  const tasks = await vambe("GET", ALL_TASKS, undefined, key);
  if (tasks.some((task) => task.id === id)) return [id, ""];
  const newest = tasks.sort((one, other) => (one.created_at < other.created_at ? 1 : -1))[0];
  if (newest) return [newest.id, `There is no task ${id}: the request went to the newest one, ${newest.id}.`];
  const made = await vambe("POST", "/tasks", body, key);
  return [made.id, `There was no task, so this page first created one for the request: ${made.id}.`];
}

/** Lets a request that names the example's task find one. */
function finder(id, body) {
  const line = document.getElementById("stand-in");
  return async (request) => {
    const key = request.headers["x-api-key"];
    line.textContent = "";
    if (!key || !request.url.endsWith(`/tasks/${id}`)) return request;
    try {
      const [found, said] = await standIn(id, body, key);
      line.textContent = said;
      request.url = request.url.replace(id, found);
    } catch (error) {
      line.textContent = `This page looked for a task first, and the mock refused: ${error.message}`;
    }
    return request;
  };
}

/** The other sandboxes are asked for when somebody opens the menu: their names are keys, and may need a token. */
async function listSandboxes(menu) {
  const { sandboxes } = await ofTheServer("GET", "/sandboxes");
  const names = new Set([...sandboxes.map((each) => each.name), sandbox].sort());
  const options = [...names].map((name) => new Option(name, name, name === sandbox, name === sandbox));
  menu.querySelector("select").replaceChildren(...options);
}

/** Give names to what Swagger UI leaves without one, and a place among the stops of Tab to what it lets scroll. */
function complete() {
  for (const [selector, name] of Object.entries(NAMES)) {
    place.querySelectorAll(selector).forEach((control) => control.setAttribute("aria-label", name));
  }
  for (const control of place.querySelectorAll("tr[data-param-name] :is(input, select)")) {
    control.setAttribute("aria-label", control.closest("tr").dataset.paramName);
  }
  place.querySelectorAll("pre.microlight").forEach((text) => (text.tabIndex = 0));
  place.querySelectorAll(".auth.button[aria-label]").forEach((button) => button.removeAttribute("aria-label"));
}

function follow() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

async function start() {
  const description = prepared(await (await fetch(place.dataset.description)).json());
  const ui = SwaggerUIBundle({
    spec: description,
    domNode: place,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
    requestInterceptor: finder(...examplesOf(description)),
    onComplete: () => ui.preauthorizeApiKey("apiKey", apiKey),
  });
}

document.getElementById("sandbox-menu").addEventListener("toggle", (event) => {
  if (event.target.open) listSandboxes(event.target).catch(() => {});
});
dark.addEventListener("change", follow);
new MutationObserver(complete).observe(place, { childList: true, subtree: true });
follow();
start();
