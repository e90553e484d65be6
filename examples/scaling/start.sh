#!/usr/bin/env bash
# Start three shards of vambe-mock, and HAProxy in front of them.
#
#   start.sh                  until it is interrupted, or one of the four ends
#   start.sh COMMAND...       while the command runs, which finds HAProxy at VAMBE_MOCK_URL
#
# HAProxy listens on http://127.0.0.1:4010, the shards on the three ports after it. PORT chooses others.
set -euo pipefail
PATH=$PATH:/usr/sbin # where Debian has HAProxy
port=${PORT:-4010}
pids=()
export VAMBE_MOCK_URL=http://127.0.0.1:$port
trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT
trap exit INT TERM
check() { for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || exit 1; done; }

for number in 1 2 3; do
  vambe-mock --port $((port + number)) --shard "$number/3" >/dev/null &
  pids+=($!)
  export "SHARD_$number=127.0.0.1:$((port + number))"
done
BIND=127.0.0.1:$port haproxy -f "$(dirname "$0")/haproxy.cfg" &
pids+=($!)

for number in 1 2 3; do
  until curl -sf -m 1 -o /dev/null "http://127.0.0.1:$((port + number))/__admin/health"; do
    check
    sleep 0.1
  done
done
check
echo "$VAMBE_MOCK_URL: three shards behind HAProxy" >&2

if [ $# -gt 0 ]; then "$@"; else wait -n; fi
