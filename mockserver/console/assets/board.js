// The board: cards that are dragged or sent to another column, and a form that makes, edits and deletes tasks.
import { hold, listOf, put, settle, show, taskOf } from "./cards.js";
import { clearProblems, confirmed, note, showProblems, soon, vambe } from "./console.js";

const find = (id) => document.getElementById(id);
const [columns, menu, dialog, form] = ["columns", "move-menu", "task", "task-form"].map(find);
const TEXTS = ["title", "description", "dueDate", "dueTime", "timezone", "priority", "aiContactId", "aiCustomerId"];
const NULLABLE = ["description", "dueDate", "dueTime", "timezone", "aiContactId", "aiCustomerId"];
const LATELY = "/contacts?days=365";
let dragged = null;
let release = null; // ends the hold of the cards during a drag
let moving = ""; // the id of the card that the menu is about
let editing = null; // the task in the form; null for a new one
let begun = {}; // the values of the form when it was opened
let sending = false;
let asked = 0; // the number of requests for contacts: only the last answer counts

const why = (error) => (error.status ? `${error.message} (${error.status})` : error.message);

function quoted(text) {
  const letters = [...text];
  return `“${letters.length > 80 ? `${letters.slice(0, 79).join("")}…` : text}”`;
}

// Moving a card

async function move(card, status) {
  const { id, title, newStatusName } = taskOf(card);
  if (status === newStatusName) return;
  const answered = hold();
  put(card, listOf(status));
  settle();
  try {
    await vambe("PUT", `/tasks/${id}`, { newStatusName: status });
    note(`${quoted(title)} is in ${status} now`);
  } catch (error) {
    if (card.isConnected) put(card, listOf(newStatusName));
    note(`${quoted(title)} stays in ${newStatusName}: ${why(error)}`, true);
  }
  await answered(id);
  find(card.id)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function mark(column) {
  for (const each of columns.children) each.classList.toggle("over", each === column);
}

columns.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.(".task") ?? null;
  if (!dragged) return;
  release = hold();
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", taskOf(dragged).id);
  dragged.classList.add("dragged");
  columns.classList.add("receiving");
});

function dragOver(event) {
  const column = event.target.closest(".column");
  if (!dragged || !column) return;
  event.preventDefault();
  mark(column);
}

columns.addEventListener("dragenter", dragOver);
columns.addEventListener("dragover", dragOver);

columns.addEventListener("dragleave", (event) => {
  if (!columns.contains(event.relatedTarget)) mark(null);
});

columns.addEventListener("drop", (event) => {
  event.preventDefault();
  move(dragged, event.target.closest(".column").dataset.status);
});

columns.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  columns.classList.remove("receiving");
  mark(null);
  dragged = null;
  release?.();
  release = null;
});

/** The button that sends a card to a column. */
function destination(column, from) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "quiet", disabled: column.dataset.status === from });
  button.dataset.to = column.dataset.status;
  button.append(column.querySelector(".dot").cloneNode(true), column.dataset.status);
  return button;
}

function openMenu(card, button) {
  moving = card.id;
  const { newStatusName } = taskOf(card);
  find("destinations").replaceChildren(...[...columns.children].map((column) => destination(column, newStatusName)));
  menu.togglePopover(true);
  const { left, bottom } = button.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
  menu.querySelector("button:enabled")?.focus();
}

menu.addEventListener("focusout", (event) => {
  if (!menu.contains(event.relatedTarget)) menu.hidePopover();
});

menu.addEventListener("click", async ({ target }) => {
  const to = target.closest("[data-to]")?.dataset.to;
  if (!to) return;
  menu.hidePopover();
  const [card, button] = [find(moving), moving.replace("task-", "move-")];
  if (!card) return note("The task is gone", true);
  await move(card, to);
  find(button)?.focus();
});

// Making, editing and deleting a task

const boxes = () => [...form.elements.responsibleIds.querySelectorAll("input")];

/** The values of the form's fields; the task's responsible users stay in their order. */
function values() {
  const names = editing ? [...TEXTS, "newStatusName"] : TEXTS;
  const ids = boxes().filter((box) => box.checked).map((box) => box.value);
  const known = (editing?.responsibleIds ?? []).filter((id) => ids.includes(id));
  const texts = Object.fromEntries(names.map((name) => [name, form.elements[name].value]));
  return { ...texts, responsibleIds: [...new Set([...known, ...ids])] };
}

const isChanged = (now, name) => String(now[name]) !== String(begun[name]);

/** The body that makes the task of the form: optional fields that are empty are left out. */
function asNew() {
  return Object.fromEntries(Object.entries(values()).filter(([name, value]) => value || !NULLABLE.includes(name)));
}

/** The body that changes what was changed in the form: null where something was emptied. */
function changes() {
  const now = values();
  const names = Object.keys(now).filter((name) => isChanged(now, name));
  return Object.fromEntries(names.map((name) => [name, NULLABLE.includes(name) ? now[name] || null : now[name]]));
}

/** Offer the contacts that the API answers, besides the one that is chosen. */
async function offerContacts(path) {
  const [select, time] = [form.elements.aiContactId, ++asked];
  try {
    const found = await vambe("GET", path);
    if (time !== asked) return;
    const kept = [...select.options].filter(({ value, selected }) => selected || !value);
    const others = found.filter(({ id }) => id !== select.value).map(({ id, name }) => new Option(name, id));
    select.replaceChildren(...kept, ...others);
  } catch (error) {
    note(`The contacts are not listed: ${why(error)}`, true);
  }
}

const findContacts = soon(() => {
  const text = find("find-contact").value.trim();
  const query = new URLSearchParams({ [/[a-z@]/i.test(text) ? "email" : "phone"]: text });
  return offerContacts(text ? `/contacts/search?${query}` : LATELY);
});

function forget() {
  clearProblems(form);
  find("refusal").textContent = "";
}

/** Open the form for a new task, or for one as it is now. */
async function openForm(card = null) {
  await (card ? show(card.id.replace("task-", "")) : show());
  if (dialog.open) return;
  if (card && !find(card.id)) return note("The task is gone", true);
  fill(card && taskOf(find(card.id)));
  dialog.showModal();
}

function fill(task) {
  editing = task;
  form.reset();
  forget();
  if (task?.aiContactId) form.elements.aiContactId.append(new Option(task.contact, task.aiContactId));
  for (const name of task ? [...TEXTS, "newStatusName"] : []) form.elements[name].value = task[name];
  for (const box of boxes()) box.checked = task?.responsibleIds.includes(box.value) ?? false;
  begun = values();
  find("task-heading").textContent = task ? "Edit the task" : "New task";
  find("save-task").textContent = task ? "Save" : "Create";
  find("delete-task").hidden = find("task-status-field").hidden = !task;
  offerContacts(LATELY);
}

/** Send a request of the form, and close it, or show a refusal at its fields. */
async function send(request, done) {
  if (sending) return;
  sending = true;
  try {
    const answer = await request();
    const id = answer?.id ?? editing?.id;
    dialog.close();
    await show(id);
    note(find(`task-${id}`)?.hidden ? `${done}; the filter hides it` : done);
  } catch (error) {
    forget();
    find("refusal").textContent = why(error);
    if (error.problems?.length) showProblems(form, error);
  }
  sending = false;
  if (document.activeElement === document.body) (find(`edit-${editing?.id}`) ?? find("new-task")).focus();
}

function save() {
  const title = quoted(form.elements.title.value);
  if (!editing) return send(() => vambe("POST", "/tasks", asNew()), `${title} is created`);
  const body = changes();
  if (Object.keys(body).length) return send(() => vambe("PUT", `/tasks/${editing.id}`, body), `${title} is saved`);
  return dialog.close();
}

async function leave() {
  const now = values();
  const lost = Object.keys(now).some((name) => isChanged(now, name));
  if (!lost || (await confirmed("Close the form? Your changes are lost.", "Close it"))) dialog.close();
}

form.addEventListener("input", ({ target }) => target.id === "find-contact" && findContacts());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});

find("delete-task").addEventListener("click", async () => {
  const title = quoted(editing.title);
  if (await confirmed(`Delete ${title}?`)) await send(() => vambe("DELETE", `/tasks/${editing.id}`), `${title} is deleted`);
});

find("cancel-task").addEventListener("click", leave);

dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  leave();
});

find("new-task").addEventListener("click", () => openForm());

columns.addEventListener("click", ({ target }) => {
  const card = target.closest(".task");
  if (!card) return;
  if (target.dataset.move === undefined) openForm(card);
  else openMenu(card, target);
});
