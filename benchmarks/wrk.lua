-- Sends the request in the file that is named after `--`, each time with another number in the place of `@@@@@@@@`,
-- and prints what came of it as one line of JSON.

local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local text = file:read("*a")
  file:close()
  pieces, sent = {}, 0
  local from = 1
  while true do
    local first, last = string.find(text, "@@@@@@@@", from, true)
    pieces[#pieces + 1] = string.sub(text, from, (first or 0) - 1)
    if not first then break end
    from = last + 1
  end
end

function request()
  sent = sent + 1
  return table.concat(pieces, string.format("%02d%06d", thread_number, sent))
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, "p50": %d, "p99": %d, "max": %d}',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max
  ))
end
