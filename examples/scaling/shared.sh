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
. "$(dirname "$0")/three.sh"

for number in 1 2 3; do start PROCESS "$number"; done
balance shared.cfg
echo "$VAMBE_MOCK_URL: three processes with one database behind HAProxy" >&2

if [ $# -gt 0 ]; then "$@"; else wait -n; fi
