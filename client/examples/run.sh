#!/usr/bin/env bash
# The whole chain, for real: an API server writes records and publishes each change, a file-system watcher publishes what
# happens in a directory, and a logger, a monitor and a counter hear of it. Installs what is missing, builds, starts
# everything on free ports, makes HTTP requests and changes files, shows what came of it, and checks with sqlite3 that
# the log holds exactly that. Ends with 0 if it does.
#
#   client/examples/run.sh                       with an nmqd of its own
#   client/examples/run.sh --stay                keeps running afterwards, to play with
#   client/examples/run.sh --server=HOST:PORT    with an nmqd that runs already
#
# NMQ_BIN names the folder of what is built already, as bazel-bin is laid out.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"

readonly PATIENCE=20 # seconds for anything that should happen at once
programs=(api_server counter fs_watcher logger monitor)
server=
stay=false
for arg in "$@"; do
  case $arg in
    --stay) stay=true ;;
    --server=?*) server=${arg#--server=} ;;
    *)
      nmq_say "usage: client/examples/run.sh [--stay] [--server=HOST:PORT]"
      exit 2
      ;;
  esac
done

build() {
  local options=(-c opt --show_result=0 --ui_event_filters=-info) targets=(//server:nmqd //client/cli:nmq) program
  [[ -t 2 ]] || options+=(--noshow_progress)
  for program in "${programs[@]}"; do targets+=("//client/examples:$program"); done
  nmq_say "Building nmqd, nmq and the examples"
  cd "$root"
  bazel build "${options[@]}" "${targets[@]}" || nmq_fail "the build failed; its messages are above"
  bin=$(readlink -f "$(bazel info -c opt bazel-bin 2>/dev/null)")
}

pids=()
declare -A pid_of=()
# run NAME COMMAND...: starts a program; its output goes to files.
run() {
  local name=$1
  shift
  "$@" >"$work/$name.out" 2>"$work/$name.err" &
  pids+=($!)
  pid_of[$name]=$!
}

# Ends what was started, the last one first: whoever needs nmqd goes before it.
finish() {
  local status=$? i pid end
  trap - EXIT
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    pid=${pids[i]}
    end=$((SECONDS + PATIENCE))
    kill "$pid" 2>/dev/null || continue
    while kill -0 "$pid" 2>/dev/null && [[ $SECONDS -lt $end ]]; do sleep 0.02; done
    kill -KILL "$pid" 2>/dev/null || true
  done
  if [[ $status -eq 0 || $status -eq 130 ]]; then
    rm -rf "$work"
  else
    nmq_say "What the programs said is in $work"
  fi
  exit "$status"
}

# await WHAT COMMAND...: waits until the command succeeds.
await() {
  local what=$1 end=$((SECONDS + PATIENCE))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || nmq_fail "waited $PATIENCE s in vain for $what"
    sleep 0.05
  done
}

# ready NAME: waits for its ready line.
ready() {
  local name=$1 end=$((SECONDS + PATIENCE))
  until grep -qs ' ready' "$work/$name.out"; do
    if [[ $SECONDS -ge $end ]] || ! kill -0 "${pid_of[$name]}" 2>/dev/null; then
      nmq_fail "$name did not start: $(cat "$work/$name.err")"
    fi
    sleep 0.05
  done
}

# field NAME FIELD: a value of its ready line.
field() { sed -nE "s/.* ready.* $2=([^ ]*).*/\1/p" "$work/$1.out"; }

title() {
  if [[ -t 1 ]]; then
    printf '\n\033[1m%s\033[0m\n' "$*"
  else
    printf '\n%s\n' "$*"
  fi
}

somebody_on_call() { "$bin/client/cli/nmq" rooms --room oncall | grep -q oncall; }

start_all() {
  if [[ -z $server ]]; then
    run nmqd "$bin/server/nmqd" --listen=127.0.0.1:0
    ready nmqd
    server=$(field nmqd grpc)
  fi
  export NMQ_SERVER=$server
  run logger "$bin/client/examples/logger" --db="$work/log.db"
  run monitor "$bin/client/examples/monitor" --on=DB/DELETE --rate=DB/CREATE:3/1m
  run counter "$bin/client/examples/counter"
  run oncall "$bin/client/cli/nmq" sub ALERT --join oncall
  run api_server "$bin/client/examples/api_server" --listen=127.0.0.1:0 --db="$work/records.db"
  run fs_watcher "$bin/client/examples/fs_watcher" --directory="$work/files"
  for program in "${programs[@]}"; do ready "$program"; done
  await "somebody in the room oncall" somebody_on_call
  api=http://$(field api_server http)

  title "Running"
  printf '%-11s %s\n' nmqd "gRPC on $server" api_server "HTTP on $api" logger "every event goes to log.db" \
    monitor "alerts on each DB/DELETE, and on more than 3 DB/CREATE a minute" counter "counts" \
    fs_watcher "watches files/" "nmq sub" "hears ALERT in the room oncall"
}

declare -A made=()
made() { made[$1]=$((${made[$1]:-0} + 1)); }

# http EVENT ARGUMENT...: shows and makes a request that must be answered with an event.
http() {
  local event=$1 answer word shown=
  shift
  for word in "$@"; do
    if [[ $word == *[^a-zA-Z0-9:/._-]* ]]; then word="'$word'"; fi
    shown+=" $word"
  done
  printf '$ curl%s\n' "$shown"
  answer=$(curl --silent --show-error --max-time "$PATIENCE" "$@")
  printf '%s\n' "$answer"
  [[ $answer == *"\"event\":\"$event\""* ]] || nmq_fail "that is not $event"
  made "$event"
}

# file COMMAND EVENT...: shows and runs a command in the watched directory, and waits until its events are logged.
file() {
  local command=$1 event
  shift
  printf '$ %s\n' "$command"
  (cd "$work/files" && eval "$command")
  for event in "$@"; do made "$event"; done
  await "$* in the log" logged "$@"
}

# Events of that name that were logged since the start.
count_of() {
  sqlite3 -batch "$work/log.db" \
    "SELECT COUNT(*) FROM log WHERE queue || '/' || event = '$1' AND time >= '$start'"
}

# As many of each event as were made?
logged() {
  local event
  for event in "$@"; do [[ $(count_of "$event") -eq ${made[$event]} ]] || return 1; done
}

make_changes() {
  title "Records come and go by HTTP"
  http DB/CREATE -d '{"name":"Ada","city":"London"}' "$api/records"
  http DB/CREATE -d '{"name":"Grace","city":"New York"}' "$api/records"
  http DB/CREATE -d 'just a text' "$api/records"
  http DB/CREATE -d '{"name":"Edsger","city":"Rotterdam"}' "$api/records"
  http DB/UPDATE -X PUT -d '{"name":"Ada","city":"Marylebone"}' "$api/records/1"
  http DB/DELETE -X DELETE "$api/records/3"

  title "Files come and go in files/"
  file "touch empty" FS/create
  file "echo hello > note.txt" FS/create FS/modify
  file "echo again >> note.txt" FS/modify
  file "mkdir drafts" FS/create
  file "mv note.txt drafts/note.txt" FS/delete FS/create
  file "rm empty" FS/delete
}

show() {
  local counted
  await "the changes in the log" logged "${!made[@]}"
  title "What the logger wrote: sqlite3 log.db 'SELECT ... FROM log'"
  sqlite3 -batch -box "$work/log.db" "SELECT queue, sequence, event, CAST(payload AS TEXT) AS payload FROM log
    WHERE time >= '$start' ORDER BY time, queue, sequence"
  title "and summed up: sqlite3 log.db 'SELECT * FROM summary'"
  sqlite3 -batch -box "$work/log.db" "SELECT * FROM summary"
  await "two alerts" has_lines 2 " ALERT " "$work/monitor.out"
  title "What the monitor said"
  sed 1d "$work/monitor.out"
  await "two alerts" has_lines 2 RAISED "$work/oncall.out"
  title "and what nmq sub heard in the room oncall"
  cat "$work/oncall.out"
  counted=$(total)
  await "the counter" grep -q "$(counter_line)" "$work/counter.out"
  title "What the counter counted: $counted events"
  grep "$(counter_line)" "$work/counter.out" | tail -n 1
}

has_lines() { [[ $(grep -c -- "$2" "$3") -ge $1 ]]; }

total() {
  local event sum=0
  for event in "${!made[@]}"; do sum=$((sum + made[$event])); done
  printf '%d' "$sum"
}

# What the counter says when it has heard all: "3 DB/CREATE, 1 DB/DELETE".
counter_line() {
  local event line=
  while read -r event; do line+="${line:+, }${made[$event]} $event"; done < <(printf '%s\n' "${!made[@]}" | LC_ALL=C sort)
  printf '%s' "$line"
}

# expect WHAT SQL VALUE
expect() {
  local found
  found=$(sqlite3 -batch "$work/log.db" "ATTACH '$work/records.db' AS api; $2")
  [[ $found == "$3" ]] || nmq_fail "$1: $found, and not $3"
  printf 'ok  %s: %s\n' "$1" "$found"
}

check() {
  local event since="time >= '$start'"
  title "Is that all of it?"
  for event in "${!made[@]}"; do
    printf '%s\t%s\n' "$event" "${made[$event]}"
  done | LC_ALL=C sort | while IFS=$'\t' read -r event count; do
    expect "$event made and logged" "SELECT COUNT(*) FROM log WHERE queue || '/' || event = '$event' AND $since" "$count"
  done
  expect "events in all" "SELECT COUNT(*) FROM log WHERE event IS NOT NULL AND $since" "$(total)"
  expect "gaps" "SELECT COUNT(*) FROM log WHERE event IS NULL" 0
  expect "records in the API's own database" "SELECT COUNT(*) FROM api.records" $((made[DB/CREATE] - made[DB/DELETE]))
  printf '\nThe log holds exactly what was made.\n'
}

nmq_install build
nmq_install_packages curl:curl sqlite3:sqlite3
bin=${NMQ_BIN:-}
[[ -n $bin ]] || build
work=$(mktemp -d "${TMPDIR:-/tmp}/nmq-examples.XXXXXX")
mkdir "$work/files"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
start=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)

cd "$work"
start_all
make_changes
show
check
if $stay; then
  title "It goes on. In another terminal:"
  cat <<EOF
curl -d 'hello' $api/records
curl $api/records
touch $work/files/something
sqlite3 -box $work/log.db 'SELECT * FROM summary'
$bin/client/cli/nmq --server=$server sub DB
Ctrl-C ends it. Alerts and counts follow here:
EOF
  trap 'exit 0' INT TERM
  tail -q -n 0 -F "$work/monitor.out" "$work/counter.out" 2>/dev/null &
  pids+=($!)
  wait "$!"
fi
