// An environment of Jest whose tests have a global `vambeMock`. Jest loads it outside its sandbox of modules, so that tests
// in CommonJS can use this package, which is of ES modules.

import { TestEnvironment } from "jest-environment-node";

import { server } from "./index.js";

const LAST = ["test_done", "test_skip", "test_todo"]; // one of them ends each test

export const withVambeMock = (Environment) =>
  class extends Environment {
    async handleTestEvent(event, state) {
      await super.handleTestEvent?.(event, state);
      if (event.name === "test_start") {
        this.global.vambeMock = await (await server()).sandbox(event.test.name);
      } else if (LAST.includes(event.name) && event.test.errors.length === 0) {
        await this.global.vambeMock.delete();
      }
    }
  };

export default withVambeMock(TestEnvironment);
