// The fields of a delay: milliseconds, or the two numbers of a distribution.

/** A number where the text is one, else the text, for the mock to refuse. */
export const number = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

/** The delay that the fields in `place` describe, as rules and settings take it. */
export function delayOf(place) {
  const [first, second] = [...place.querySelectorAll("input")].map((input) => number(input.value));
  const kind = place.dataset.kind ?? place.querySelector("select").value;
  if (kind === "uniform") return { uniform: [first, second] };
  return kind === "lognormal" ? { lognormal: { median: first, sigma: second } } : first;
}
