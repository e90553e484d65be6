# Three processes of vambe-mock behind HAProxy: the part that start.sh and shared.sh have in common.
PATH=$PATH:/usr/sbin # where Debian has HAProxy
port=${PORT:-4010}
pids=()
export VAMBE_MOCK_URL=http://127.0.0.1:$port
trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT
trap exit INT TERM

# Start process $2 of three with the arguments that follow, and put its address into the variable $1_$2.
start() {
  vambe-mock --port $((port + $2)) "${@:3}" >/dev/null &
  pids+=($!)
  export "$1_$2=127.0.0.1:$((port + $2))"
}

# Wait until all three processes answer, start HAProxy with the configuration $1, and wait until it answers.
balance() {
  for number in 1 2 3; do answers "http://127.0.0.1:$((port + number))"; done
  BIND=127.0.0.1:$port haproxy -f "$(dirname "$0")/$1" &
  pids+=($!)
  answers "$VAMBE_MOCK_URL"
}

# Wait until a server answers; end when a process has ended.
answers() {
  until curl -sf -m 1 -o /dev/null "$1/__admin/health"; do
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || exit 1; done
    sleep 0.1
  done
}
