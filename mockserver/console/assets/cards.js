// The cards of the board: drawn again when their task changes, marked by the sandbox's clock, and filtered.
import { attempt, live, reach, refresh, root, sandbox } from "./console.js";
import { keepInAddress } from "./filter.js";

const find = (id) => document.getElementById(id);
const [columns, filter, dialog] = ["columns", "filter", "task"].map(find);
const cards = () => columns.querySelectorAll(".task");
const PARTS = ["columns", "nothing", "clock", "people"]; // what a refresh of the whole page replaces
const SHOWN = ["tasks", "clock"]; // the parts of a sandbox that the board shows
const MANY = 100; // cards: more are asked for with the whole page
const PAUSE = 40; // milliseconds between two looks
const MINUTE = 60_000; // milliseconds

export const taskOf = (card) => JSON.parse(card.dataset.task);

/** The list of a status's cards. */
export function listOf(status) {
  return [...columns.children].find((column) => column.dataset.status === status)?.querySelector(".cards");
}

/** Put a card into a list, in the order of the due dates. */
export function put(card, list) {
  list.insertBefore(card, [...list.children].find((other) => other.dataset.order > card.dataset.order) ?? null);
}

// Drawing what changed

const changed = new Set(); // ids of tasks whose cards may be old
let old = false; // the whole page may be old
let unsure = false; // events may have been missed
let choices = false; // the choices of the form are old
let held = 0; // drags and unanswered moves, during which no card is replaced
let drawn = 0; // time of the last drawing
let work = Promise.resolve();

/** Keep all cards in place until the result is called, which then does what `show` does. */
export function hold() {
  held += 1;
  return (...ids) => {
    held -= 1;
    return show(...ids);
  };
}

/** Draw what changed on the board, and in any case the cards of these tasks. */
export function show(...ids) {
  for (const id of ids) if (id) changed.add(id);
  work = work.then(() => attempt(draw));
  return work;
}

async function draw() {
  if (held || !(old || unsure || changed.size)) return;
  await new Promise((resolve) => setTimeout(resolve, drawn + PAUSE - performance.now()));
  const ids = [...changed];
  changed.clear();
  try {
    if (!old && ids.length <= MANY) await drawCards(ids);
    if (old || ids.length > MANY) await drawAll();
  } catch (error) {
    old = true;
    throw error;
  } finally {
    drawn = performance.now();
  }
}

async function drawAll() {
  [old, unsure, choices] = [false, false, dialog.open];
  changed.clear();
  await refresh(...PARTS, ...(choices ? [] : ["task-choices"]));
}

async function drawCards(ids) {
  const fresh = await fetched(ids);
  const missed = unsure && fresh.dataset.version !== find("time").dataset.version;
  if (held || missed) {
    old ||= missed;
    for (const id of ids) changed.add(id);
    return;
  }
  unsure = false;
  find("time").replaceWith(fresh.querySelector("#time"));
  restart();
  for (const id of ids) replaceCard(id, fresh.querySelector(`#task-${CSS.escape(id)}`));
  settle();
}

async function fetched(ids) {
  const query = new URLSearchParams([["sandbox", sandbox], ...ids.map((id) => ["id", id])]);
  const answer = await reach(`${root}/__admin/console/cards?${query}`);
  if (!answer.ok) throw new Error(`The server answers ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("fresh");
}

/** Put a card in place of an old one; without one the task is gone. */
function replaceCard(id, now) {
  const before = find(`task-${id}`);
  if (!now) return before?.remove();
  const list = listOf(taskOf(now).newStatusName);
  old ||= !list; // of a column that is not there yet
  if (!list) return;
  const focused = before?.contains(document.activeElement) ? document.activeElement.id : "";
  now.hidden = !matches(now);
  if (before?.parentNode === list && before.isEqualNode(now)) return;
  if (before?.parentNode === list && before.dataset.order === now.dataset.order) before.replaceWith(now);
  else {
    before?.remove();
    put(now, list);
  }
  if (focused) find(focused).focus({ preventScroll: true });
}

document.addEventListener("refreshing", (event) => {
  if (!held) return;
  old = true;
  event.preventDefault();
});

document.addEventListener("refreshed", () => {
  restart();
  applyFilter();
});

// Marks by the sandbox's clock

let [readAt, timer] = [0, 0]; // time of the last reading of the clock, and the next update of a real clock

function restart() {
  readAt = performance.now();
}

function now() {
  const { dateTime, dataset } = find("time");
  const passed = dataset.mode === "real" ? performance.now() - readAt : 0;
  return passed ? new Date(Date.parse(dateTime) + passed).toISOString() : dateTime;
}

function markOf({ first, last }, moment) {
  if (!last || moment < first) return "";
  return moment > last ? "Overdue" : "Today";
}

/** Mark the cards that are overdue or due today; with a real clock, again each minute. */
function mark() {
  const moment = now();
  for (const card of cards()) setMark(card, moment);
  setText(find("time"), `${moment.slice(0, 10)} ${moment.slice(11, 16)} UTC`);
  clearTimeout(timer);
  if (find("time").dataset.mode === "real") timer = setTimeout(mark, MINUTE - (Date.parse(moment) % MINUTE) + 1);
}

function setMark(card, moment) {
  const is = markOf(card.dataset, moment);
  if ((card.dataset.mark ?? is) === is) return;
  card.dataset.mark = is;
  card.querySelector(".mark").textContent = is;
}

// The filter

const texts = new WeakMap(); // the texts of cards, for the filter
let wanted = { person: "", priority: "", words: [] };

/** A text without case and accents. */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function textOf(card) {
  if (!texts.has(card)) {
    const { title, description } = taskOf(card); // the card may show a part of them
    const said = [...card.querySelectorAll(".elsewhere, .unseen")].map((part) => part.textContent);
    texts.set(card, plain([card.id, title, description, ...said].join("\n")));
  }
  return texts.get(card);
}

function matches(card) {
  const { person, priority, words } = wanted;
  if (!(person || priority || words.length)) return true;
  const task = taskOf(card);
  return (
    (!person || task.responsibleIds.includes(person)) &&
    (!priority || task.priority === priority) &&
    words.every((word) => textOf(card).includes(word))
  );
}

/** Show the cards that the filter lets through, and how many they are. */
function applyFilter() {
  const { person, priority, text } = Object.fromEntries(new FormData(filter));
  wanted = { person, priority, words: plain(text).split(/\s+/).filter(Boolean) };
  for (const card of cards()) card.hidden = !matches(card);
  settle();
}

/** Set the marks and the numbers of cards. */
export function settle() {
  mark();
  const filtering = Boolean(wanted.person || wanted.priority || wanted.words.length);
  const counts = [...columns.children].map((column) => countIn(column, filtering));
  const [all, shown] = [0, 1].map((index) => counts.reduce((sum, each) => sum + each[index], 0));
  setText(find("tally"), tasks(all));
  setText(find("found"), filtering ? `${number(shown)} of ${number(all)}` : "");
  find("result").hidden = !filtering;
  filter.hidden = all === 0 && !filtering;
  find("nothing").hidden = all > 0;
}

function countIn(column, filtering) {
  const list = [...column.querySelectorAll(".task")];
  const shown = list.filter((card) => !card.hidden).length;
  const [count, unit] = column.querySelector(".top .tag").children;
  setText(count, filtering ? `${number(shown)} of ${number(list.length)}` : number(list.length));
  setText(unit, list.length === 1 ? " task" : " tasks");
  setText(column.querySelector(".none"), shown ? "" : list.length ? "No task matches" : "No tasks");
  return [list.length, shown];
}

const number = (value) => value.toLocaleString("en");
const tasks = (value) => `${number(value)} ${value === 1 ? "task" : "tasks"}`;

function setText(part, text) {
  if (part.textContent !== text) part.textContent = text;
}

function ask() {
  keepInAddress(filter);
  applyFilter();
}

filter.addEventListener("input", ask);
filter.addEventListener("submit", (event) => event.preventDefault());

find("clear-filter").addEventListener("click", () => {
  for (const control of filter.querySelectorAll("input, select")) control.value = "";
  ask();
  filter.elements.text.focus();
});

// The line of a card is short: its tooltip has the rest.
columns.addEventListener("mouseover", ({ target }) => {
  const line = target.closest(".meta");
  if (line) line.title = line.querySelector(".unseen").textContent;
});

// Events

function again() {
  old = true;
  show();
}

function look() {
  unsure = true;
  show();
}

function changedState({ changes = [], changed: part, replaced }) {
  if (replaced || SHOWN.includes(part)) again();
  else show(...changes.filter(({ resource }) => resource === "task").map(({ id }) => id));
}

dialog.addEventListener("close", () => choices && again());
addEventListener("focus", look);
restart();
applyFilter();

let opened = false;
live({
  open: () => {
    if (opened) again(); // events were missed
    else look();
    opened = true;
  },
  state: changedState,
  reset: ({ only }) => only.some((part) => SHOWN.includes(part)) && again(),
});
