// The filters of the board and of the requests.

/** Keep the values of a filter's form in the address, for a reload and a link. */
export function keepInAddress(form) {
  const url = new URL(location.href);
  for (const [name, value] of new FormData(form)) {
    if (value.trim()) url.searchParams.set(name, value.trim());
    else url.searchParams.delete(name);
  }
  url.hash = "";
  history.replaceState(null, "", url);
}
