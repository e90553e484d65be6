#!/usr/bin/env bash
# Start three shards of vambe-mock, and HAProxy in front of them.
#
#   start.sh                  until it is interrupted, or one of the four ends
#   start.sh COMMAND...       while the command runs, which finds HAProxy at VAMBE_MOCK_URL
#
# HAProxy listens on http://127.0.0.1:4010, the shards on the three ports after it. PORT chooses others.
set -euo pipefail
. "$(dirname "$0")/three.sh"

for number in 1 2 3; do start SHARD "$number" --shard "$number/3"; done
balance haproxy.cfg
echo "$VAMBE_MOCK_URL: three shards behind HAProxy" >&2

if [ $# -gt 0 ]; then "$@"; else wait -n; fi
