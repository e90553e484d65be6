#!/bin/sh
# Creates one follow-up task in Vambe for a deal, whatever fails on the way.
#
#   ./create_task.sh [REFERENCE [USER_ID]]
#
# VAMBE_API_URL and VAMBE_API_KEY are the server and its key. Needs curl 7.76, for --fail-with-body.
#
# curl's own --retry would create a second task when the answer to the first request is lost. So the task has a
# reference in its description, and every attempt first looks for a task with that reference.
set -eu

reference=${1:-deal:4711}
user_id=${2:-228d7a0d-9072-4ca8-939b-959b75cc606a} # the first user of the mock's fixtures
pauses=${PAUSES-1 2 4 8}                           # seconds before each further attempt
tasks=$VAMBE_API_URL/api/public/tasks
newline='
'

case $reference$user_id in
*[!A-Za-z0-9:._-]*)
  echo "only A-Z a-z 0-9 : . _ - can stand in a reference and in a user's id" >&2
  exit 2
  ;;
esac

# Calls Vambe; sets $answer and $status. Returns curl's exit status, which is 22 when the answer is an error.
ask() {
  code=0
  answer=$(curl --silent --show-error --fail-with-body --max-time 10 --write-out '\n%{http_code}' \
    --header "x-api-key: $VAMBE_API_KEY" "$@") || code=$?
  status=${answer##*"$newline"}
  answer=${answer%"$newline"*}
  return "$code"
}

attempt() {
  ask --get "$tasks" --data "responsibleIds=$user_id&fromDate=2000-01-01&toDate=2099-12-31" || return
  case $answer in *"[$reference]"*) return 0 ;; esac
  ask "$tasks" --header 'content-type: application/json' --data "{
    \"title\": \"Follow up\",
    \"description\": \"From the CRM [$reference]\",
    \"responsibleIds\": [\"$user_id\"],
    \"priority\": \"1\"
  }"
}

for pause in $pauses last; do
  code=0
  attempt || code=$?
  case $code/$status in
  0/*)
    echo "[$reference] has its task"
    exit 0
    ;;
  22/408 | 22/429 | 22/5*) ;;
  22/*) break ;; # a permanent error
  esac
  [ "$pause" = last ] || sleep "$pause"
done
echo "[$reference] has no task: $status $answer" >&2
exit 1
