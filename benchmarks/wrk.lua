-- Sends the request in the file that is named after `--`, each time with another number in the place of `@@@@@@@@`,
-- and prints the result as one line of JSON. For one thread.

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
  return table.concat(pieces, string.format("%08d", sent))
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "seconds": %f, "failed": %d, "p99": %f}',
    summary.requests, summary.duration / 1e6,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(99) / 1000
  ))
end
