// The page of one request: it shows the answer when it comes, and leads to the entry of a replay.

import { live, refresh } from "./console.js";
import { onReplay, pageOfRequest } from "./replay.js";

const { request, state } = document.getElementById("detail").dataset;
const again = () => refresh("facts", "detail");

if (state === "pending") live({ open: again, request: ({ id }) => id === Number(request) && again() });
onReplay((id) => location.assign(pageOfRequest(id)));
