import type { Sandbox } from "./index.js";

declare global {
  /** A sandbox for the test, which stays if the test fails. */
  var vambeMock: Sandbox;
}

/** Another environment, such as that of jsdom, with `vambeMock`. */
export function withVambeMock<Environment extends new (...args: any[]) => object>(environment: Environment): Environment;

declare const environment: new (...args: any[]) => object;
export default environment;
