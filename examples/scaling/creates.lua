-- For wrk: creates of tasks, spread over 60 sandboxes, or as many as SANDBOXES says.
local body = '{"title": "Call", "responsibleIds": ["228d7a0d-9072-4ca8-939b-959b75cc606a"], "priority": "1"}'
local number, sandboxes = 0, tonumber(os.getenv("SANDBOXES") or "60")

function request()
  number = number + 1
  local headers = { ["x-api-key"] = "test_load" .. number % sandboxes, ["content-type"] = "application/json" }
  return wrk.format("POST", "/api/public/tasks", headers, body)
end
