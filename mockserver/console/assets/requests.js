// The journal as it grows: rows come from the server, at the end, and the list follows only who is at its end.

import { attempt, confirmed, control, live, refresh, soon } from "./console.js";

const PAUSE = 100; // milliseconds between two looks for newer rows
const LIMIT = 1000; // rows shown to who follows; who reads elsewhere may have twice as many
const AT_END = 24; // pixels
const find = (id) => document.getElementById(id);
const scroller = find("scroller");
const filter = find("filter");
let following = true;
let more = 0; // rows that came while the reader was elsewhere
let leftOut = false; // whether some of these are not in the page
let looking = false;
let changed = Infinity; // the oldest row here whose request was pending and is no more
let work = Promise.resolve();

/** Do one thing after another: which rows are asked for depends on those that are there. */
const then = (action) => {
  work = work.then(action).catch(() => {}); // the stream says when the server is gone
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

async function again() {
  await refresh("tally", "listing", "status-problem");
  filter.elements.status.setAttribute("aria-invalid", find("status-problem").childElementCount > 0);
  leftOut = false;
  toTheEnd();
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
  if (since < newest && filtered()) return again(); // it may belong elsewhere now
  const url = new URL(`${location.pathname}/rows${location.search}`, location.origin);
  url.searchParams.set("since", since);
  const fresh = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/html").getElementById("rows");
  if (!fresh || Number(fresh.dataset.newest) < newest) return again(); // another journal is in its place
  find("rows").dataset.newest = fresh.dataset.newest;
  find("dropped").textContent = fresh.dataset.dropped;
  const lines = [...fresh.children];
  for (const line of lines) find(line.id)?.replaceWith(line);
  const later = lines.filter((line) => idOf(line) > newest);
  if (later.length) add(later);
}

const idOf = (line) => Number(line.id.slice("request-".length));
const filtered = () => [...new FormData(filter)].some(([name, value]) => name !== "sandbox" && value.trim());

function arrived({ id }) {
  if (id <= Number(find("rows").dataset.newest)) changed = Math.min(changed, id);
  lookSoon();
}

function lookSoon() {
  if (looking) return;
  looking = true;
  setTimeout(() => then(look), PAUSE);
}

function ask() {
  const url = new URL(location.href);
  for (const { name, value } of filter.elements) {
    if (value.trim()) url.searchParams.set(name, value.trim());
    else url.searchParams.delete(name);
  }
  url.hash = "";
  history.replaceState(null, "", url);
  then(again);
}

filter.addEventListener("change", ask);
filter.elements.text.addEventListener("input", soon(ask, 200));
scroller.addEventListener("scroll", showEnd);
new ResizeObserver(() => following && toTheEnd()).observe(scroller);
find("newest").addEventListener("click", () => {
  then(leftOut ? again : toTheEnd);
  scroller.focus();
});

// Who comes back from a request finds its row again.
scroller.addEventListener("click", (event) => {
  const line = event.target.closest(".entry");
  if (line) history.replaceState(null, "", `#${line.id}`);
});

find("clear").addEventListener("click", async () => {
  const text = "Clear the journal? Its requests are gone then; what they changed stays.";
  if (!(await confirmed(text, "Clear"))) return;
  await attempt(() => control("DELETE", "/requests"), "The journal is empty");
  then(again);
});

live({
  open: lookSoon, // for what came before the stream did
  request: arrived,
  state: ({ changed }) => changed === "journal" && then(again),
  reset: ({ only }) => only.includes("journal") && then(again),
});

const returnedTo = location.hash.startsWith("#request-") && find(location.hash.slice(1));
if (returnedTo) returnedTo.scrollIntoView({ block: "center" });
else toTheEnd();
showEnd();
