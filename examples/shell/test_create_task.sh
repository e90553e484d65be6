#!/bin/sh
# Tests create_task.sh. Run by: vambe-mock exec -- ./test_create_task.sh
set -eu

export PAUSES='0 0'

# Calls the mock's control plane, for the key's sandbox.
mock() {
  path=$1
  shift
  curl --silent --show-error --fail-with-body --header "x-api-key: $VAMBE_API_KEY" \
    ${VAMBE_MOCK_ADMIN_TOKEN:+--header "authorization: Bearer $VAMBE_MOCK_ADMIN_TOKEN"} \
    "$VAMBE_MOCK_URL/__admin$path" --header 'content-type: application/json' "$@"
  echo
}

# Begins a test in its own sandbox.
begin() {
  tests=$((${tests:-0} + 1))
  export VAMBE_API_KEY="test_create-task-$$-$tests"
  echo "# $1"
}

fault() {
  mock /faults --data "$1" >/dev/null
}

# Fails with a 409, which ends the script, unless exactly $1 creations were requested.
verify_creations() {
  mock /requests/verify --data "{\"request\": {\"operation\": \"createTask\"}, \"times\": {\"exactly\": $1}}"
}

begin 'a lost answer makes one task and not two'
fault '{"match": {"operation": "createTask"}, "when": "after", "connection": "reset"}'
./create_task.sh
verify_creations 1

begin 'a second run makes no second task'
./create_task.sh deal:4711
./create_task.sh deal:4711
./create_task.sh deal:47
verify_creations 2

begin 'what fails before anything is done is tried again'
fault '{"match": {"operation": "createTask"}, "status": 503}'
fault '{"match": {"operation": "listTasks"}, "connection": "empty", "skip": 1}'
./create_task.sh
verify_creations 2

begin 'what no retry can mend is not tried again'
fault '{"match": {"operation": "createTask"}, "status": 404}'
if ./create_task.sh; then exit 1; fi
verify_creations 1

begin 'an outage ends after as many attempts as there are pauses, and one'
fault '{"status": 503, "times": null}'
if ./create_task.sh; then exit 1; fi
mock /requests/verify --data '{"request": {"operation": "listTasks"}, "times": {"exactly": 3}}'
