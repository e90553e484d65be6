import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { globalSetup: "vambe-mock/setup" }, // one server for all workers
});
