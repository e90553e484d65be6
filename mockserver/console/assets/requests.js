// The live list of requests: new rows are added at the end, and it scrolls with them only while its end is in sight.
// In a wide window, the chosen request is shown beside the list; its id is in the address.

import { attempt, confirmed, control, live, pageOf, refresh, refreshFrom, sandbox, soon } from "./console.js";
import { keepInAddress } from "./filter.js";
import { onReplay, pageOfRequest } from "./replay.js";

const PAUSE = 100; // milliseconds between two looks for newer rows
const LIMIT = 1000; // rows shown to who follows; who reads elsewhere may have twice as many
const AT_END = 24; // pixels
const find = (id) => document.getElementById(id);
const scroller = find("scroller");
const filter = find("filter");
const detail = find("detail");
const wide = matchMedia("(min-width: 1100px)"); // as in the style sheet
let following = true;
let more = 0; // rows that came while the reader was elsewhere
let leftOut = false; // some of these are not in the page
let looking = false;
let changed = Infinity; // the oldest row here whose request was pending and is no more
let work = Promise.resolve();

/** Do one thing after another: which rows are asked for depends on those that are there. */
const then = (action) => {
  work = work.then(action).catch(() => {}); // the stream says when the server is gone
  return work;
};

function showEnd() {
  following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_END;
  if (following) more = 0;
  find("newest").hidden = following;
  find("newest").textContent = more ? `Jump to the newest (${more} more)` : "Jump to the newest";
}

function toTheEnd() {
  scroller.scrollTop = scroller.scrollHeight;
  showEnd();
}

/** Draw the list anew, and scroll to its end. */
async function again() {
  await againInPlace();
  toTheEnd();
}

/** As `again`, but a reader who is elsewhere in the list stays there. */
async function againInPlace() {
  await refresh("tally", "listing", "status-problem");
  filter.elements.status.setAttribute("aria-invalid", find("status-problem").childElementCount > 0);
  leftOut = false;
  if (following) toTheEnd();
  else showEnd();
}

function add(lines) {
  const rows = find("rows");
  const room = following ? lines.length : Math.max(0, 2 * LIMIT - rows.childElementCount);
  rows.append(...lines.slice(0, room));
  if (following) {
    while (rows.childElementCount > LIMIT) rows.firstElementChild.remove();
    toTheEnd();
  } else {
    leftOut ||= room < lines.length;
    more += lines.length;
    showEnd();
  }
  find("shown").textContent = rows.childElementCount;
  find("nothing").hidden = rows.childElementCount > 0;
}

async function look() {
  looking = false;
  const newest = Number(find("rows").dataset.newest);
  const since = Math.min(newest, changed - 1);
  changed = Infinity;
  if (since < newest && filtered()) return againInPlace(); // it may belong elsewhere now
  const url = new URL(`${location.pathname}/rows${location.search}`, location.origin);
  url.searchParams.set("since", since);
  const fresh = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/html").getElementById("rows");
  if (!fresh || Number(fresh.dataset.newest) < newest) return again(); // another journal is in its place
  find("rows").dataset.newest = fresh.dataset.newest;
  find("dropped").textContent = fresh.dataset.dropped;
  const lines = [...fresh.children];
  for (const line of lines) replace(find(line.id), line);
  const later = lines.filter((line) => idOf(line) > newest);
  if (later.length) add(later);
  mark();
}

function replace(old, line) {
  const focused = old?.contains(document.activeElement);
  old?.replaceWith(line);
  if (focused) linkOf(line).focus({ preventScroll: true });
}

const idOf = (line) => Number(line.id.slice("request-".length));
const linkOf = (line) => line.querySelector("a");
const filtered = () => [...new FormData(filter)].some(([name, value]) => name !== "sandbox" && value.trim());

function arrived({ id }) {
  if (id <= Number(find("rows").dataset.newest)) changed = Math.min(changed, id);
  if (id === chosen()) showDetail();
  lookSoon();
}

function lookSoon() {
  if (looking) return;
  looking = true;
  setTimeout(() => then(look), PAUSE);
}

let opened = false;

/** Look for what came while there was no stream: newer rows, answers to those that waited, another journal. */
function catchUp() {
  if (opened || find("rows").querySelector(".pending")) then(againInPlace);
  else lookSoon();
  opened = true;
  if (chosen()) showDetail();
}

function ask() {
  keepInAddress(filter);
  then(again);
}

// The chosen request.

const chosen = () => Number(new URLSearchParams(location.search).get("request")) || 0;

function choose(id, how = "pushState") {
  const url = new URL(location.href);
  if (id) url.searchParams.set("request", id);
  else url.searchParams.delete("request");
  url.hash = "";
  if (id !== chosen()) history[how](null, "", url);
  return showChosen();
}

function showChosen() {
  mark();
  if (!chosen()) detail.hidden = true;
  return showDetail();
}

function mark() {
  for (const link of find("rows").querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
  const line = find(`request-${chosen()}`);
  if (line) linkOf(line).setAttribute("aria-current", "true");
}

let inDetail = chosen();
let coming; // a look at the chosen request that has not begun: one is enough for many changes

const showDetail = () => (coming ??= then(loadDetail));

async function loadDetail() {
  coming = undefined;
  const id = chosen();
  if (!id) return;
  await refreshFrom(pageOf(sandbox, `${location.pathname}/${id}/detail`), "detail");
  if (id !== chosen()) return; // another one since
  detail.hidden = false;
  if (id !== inDetail) detail.scrollTop = 0;
  inDetail = id;
}

function close() {
  const line = find(`request-${chosen()}`);
  choose(0);
  (line ? linkOf(line) : scroller).focus();
}

scroller.addEventListener("click", async (event) => {
  const line = event.target.closest(".entry");
  if (!line || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (!wide.matches) {
    history.replaceState(null, "", `#${line.id}`); // who comes back finds the row again
    if (!event.target.closest("a")) linkOf(line).click();
    return;
  }
  event.preventDefault();
  linkOf(line).focus({ preventScroll: true });
  await choose(idOf(line));
  if (event.detail === 0) detail.focus(); // by keyboard, or by a screen reader
});

scroller.addEventListener("keydown", (event) => {
  const line = event.target.closest(".entry");
  const other = { ArrowDown: line?.nextElementSibling, ArrowUp: line?.previousElementSibling }[event.key];
  if (!other) return;
  event.preventDefault();
  linkOf(other).focus();
  if (wide.matches && chosen()) choose(idOf(other), "replaceState");
});

document.querySelector(".panes").addEventListener("keydown", ({ key }) => key === "Escape" && chosen() && close());
detail.addEventListener("click", ({ target }) => target.closest("#close") && close());
addEventListener("popstate", showChosen);
onReplay(async (id) => {
  await then(look);
  await then(leftOut ? again : toTheEnd);
  choose(id);
});

// The list.

filter.addEventListener("change", ask);
filter.elements.text.addEventListener("input", soon(ask, 200));
scroller.addEventListener("scroll", showEnd);
document.addEventListener("refreshing", showEnd); // the reader may have moved on since the server was asked
new ResizeObserver(() => following && toTheEnd()).observe(scroller);
find("newest").addEventListener("click", () => {
  then(leftOut ? again : toTheEnd);
  scroller.focus();
});

find("clear").addEventListener("click", async () => {
  const text = "Clear the journal? Its requests are gone then; what they changed stays.";
  if (!(await confirmed(text, "Clear"))) return;
  await attempt(() => control("DELETE", "/requests"), "The journal is empty");
  anew();
});

function anew() {
  then(again);
  showDetail();
}

live({
  open: catchUp,
  request: arrived,
  state: ({ changed }) => changed === "journal" && anew(),
  reset: ({ only }) => only.includes("journal") && anew(),
});

const startsAt = find(chosen() ? `request-${chosen()}` : location.hash.slice(1));
if (chosen() && !wide.matches) location.replace(pageOfRequest(chosen()));
else if (startsAt?.matches(".entry")) startsAt.scrollIntoView({ block: "center" });
else toTheEnd();
showEnd();
