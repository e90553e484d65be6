module.exports = {
  globalSetup: "vambe-mock/setup", // one server for all workers
  globalTeardown: "vambe-mock/teardown",
  testEnvironment: "vambe-mock/jest-environment",
};
