import { defineConfig } from "@playwright/test";

export default defineConfig({
  globalSetup: "vambe-mock/setup", // one server for all workers; without this line, each has its own
  reporter: "list",
});
