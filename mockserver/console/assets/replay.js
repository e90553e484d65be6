// Send a request of the journal again, with another guess about the vendor.

import { control, note, pageOf, root, sandbox } from "./console.js";

/** The page of one request. */
export const pageOfRequest = (id) => pageOf(sandbox, `${root}/__admin/console/requests/${id}`);

/** Make the buttons replace a guess and send the request again; `show` gets the id of the new entry. */
export function onReplay(show) {
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-assume]");
    if (!button) return;
    const buttons = button.closest("[data-replay]").querySelectorAll("button");
    buttons.forEach((each) => (each.disabled = true));
    try {
      show(await replayed(button.dataset, JSON.parse(button.closest("[data-replay]").dataset.replay)));
    } catch (error) {
      note(error.message, true);
    } finally {
      buttons.forEach((each) => (each.disabled = false));
    }
  });
}

async function replayed({ assume, value }, { method, target, headers, body }) {
  await control("PATCH", "/settings", { assume: { [assume]: value } });
  const content = body === null ? undefined : new TextEncoder().encode(body); // as a text, it would get a type
  const answer = await fetch(root + target, { method, headers, body: content }).catch(() => {
    throw new Error(`${assume} is ${value} now. The request was sent again, but no answer arrived.`);
  });
  const id = answer.headers.get("X-Mock-Request-Id");
  if (!id) throw new Error(`${assume} is ${value} now. The request was answered with ${answer.status}, without an entry.`);
  note(`${assume} is ${value} now, and the request was sent again`);
  return Number(id);
}
