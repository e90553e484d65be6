#!/usr/bin/env bash
# Start three processes of vambe-mock that share a PostgreSQL database, and HAProxy in front of them.
#
#   shared.sh                  until it is interrupted, or one of the four ends
#   shared.sh COMMAND...       while the command runs, which finds HAProxy at VAMBE_MOCK_URL
#
# VAMBE_MOCK_DATABASE names the database, such as postgresql://user@host/name, and VAMBE_MOCK_ADMIN_TOKEN the token of all.
# HAProxy listens on http://127.0.0.1:4010, the processes on the three ports after it. PORT chooses others.
set -euo pipefail
: "${VAMBE_MOCK_DATABASE:?is not set: give the URL of a PostgreSQL database}"
export VAMBE_MOCK_ADMIN_TOKEN=${VAMBE_MOCK_ADMIN_TOKEN:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}
PATH=$PATH:/usr/sbin # where Debian has HAProxy
port=${PORT:-4010}
pids=()
export VAMBE_MOCK_URL=http://127.0.0.1:$port
trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT
trap exit INT TERM
check() { for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || exit 1; done; }

for number in 1 2 3; do
  vambe-mock --port $((port + number)) >/dev/null &
  pids+=($!)
  export "PROCESS_$number=127.0.0.1:$((port + number))"
done
for number in 1 2 3; do
  until curl -sf -m 1 -o /dev/null "http://127.0.0.1:$((port + number))/__admin/health"; do
    check
    sleep 0.1
  done
done
BIND=127.0.0.1:$port haproxy -f "$(dirname "$0")/shared.cfg" &
pids+=($!)
until curl -sf -m 1 -o /dev/null "$VAMBE_MOCK_URL/__admin/health"; do
  check
  sleep 0.1
done
echo "$VAMBE_MOCK_URL: three processes with one database behind HAProxy" >&2

if [ $# -gt 0 ]; then "$@"; else wait -n; fi
