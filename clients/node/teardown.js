// The global tear-down of Jest, which ignores what its set-up returns.

export { teardown as default } from "./setup.js";
