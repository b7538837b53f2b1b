#!/usr/bin/env bash
# Installs what is missing, builds nmqd and the benchmark with -c opt, starts nmq and its peers in turn, and writes table.txt,
# figures.json and figures.svg to a folder.
#
#   tests/bench/run.sh                               everything, 3 rounds; about an hour
#   tests/bench/run.sh --only=W1,W2/2000x10          some workloads, or some of their cases
#   tests/bench/run.sh --systems=nmq,nats --rounds=1
#   tests/bench/run.sh --only=python                 the Python programs alone; they run last if nothing else is chosen
#   tests/bench/run.sh --only=node                   likewise those for Node.js
#   tests/bench/run.sh --out=DIR                     instead of nmq-figures in the current directory
#   tests/bench/run.sh --short                       whether everything works, in two minutes; no figures. NMQ_BIN names the
#                                                    folder of what is built already, as bazel-bin is laid out
#
# Other arguments go to nmq_bench; --help lists them. "--only W1" does as well as "--only=W1".
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"

out=$PWD/nmq-figures
short=false
programs=all
rounds=()
arguments=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --out=?*) out=${1#--out=} ;;
    --out)
      [[ $# -ge 2 ]] || nmq_fail "--out: where?"
      out=$2
      shift
      ;;
    --only=python | --only=node) programs=${1#--only=} ;;
    --rounds=*)
      rounds+=("$1")
      arguments+=("$1")
      ;;
    --only)
      programs=bench
      if [[ ${2:-} == python || ${2:-} == node ]]; then
        programs=$2
        shift
      else
        arguments+=("$1")
      fi
      ;;
    --only=* | --systems | --systems=*)
      programs=bench
      arguments+=("$1")
      ;;
    --short)
      short=true
      arguments+=(--short --rounds=1)
      ;;
    *) arguments+=("$1") ;;
  esac
  shift
done

nmq_install bench

build() {
  # What is not for its speed may be what the tests have built already.
  local mode=opt options
  if $short; then mode=fastbuild; fi
  options=(-c "$mode" --show_result=0 --ui_event_filters=-info)
  [[ -t 2 ]] || options+=(--noshow_progress)
  nmq_say "Building nmqd and nmq_bench"
  (cd "$root" && bazel build "${options[@]}" //server:nmqd //tests/bench:nmq_bench \
    //tests/bench/floor:floor_server //tests/bench/floor:nghttp2_floor) ||
    nmq_fail "the build failed; its messages are above"
  # Not through bazel-bin, which the next build may point elsewhere.
  bin=$(cd "$root" && readlink -f "$(bazel info -c "$mode" bazel-bin 2>/dev/null)")
}

bin=${NMQ_BIN:-}
if ! $short || [[ -z $bin ]]; then build; fi
commit=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)

bench=("$bin/tests/bench/nmq_bench" --nmqd="$bin/server/nmqd" --floor_server="$bin/tests/bench/floor/floor_server"
  --nghttp2_floor="$bin/tests/bench/floor/nghttp2_floor"
  --socketio="$root/tests/bench/socketio" --commit="$commit")

# What people write in Python, with the code that generate.sh makes beside the library.
run_python() {
  local stubs
  stubs=$(mktemp -d)
  cp -r "$root/client/python/nmq" "$stubs"
  "$root/client/python/generate.sh" "$stubs"
  /usr/bin/python3 "$root/tests/bench/python/bench.py" --nmqd="$bin/server/nmqd" --stubs="$stubs" "$@"
  rm -r "$stubs"
}

# What people write for Node.js.
run_node() { node "$root/tests/bench/node/bench.mjs" --nmqd="$bin/server/nmqd" "$@"; }

# Whether these programs are among what was chosen.
chosen() { [[ $programs == all || $programs == "$1" ]]; }

if $short; then
  if chosen bench; then "${bench[@]}" "${arguments[@]}"; fi
  if chosen python; then run_python --short; fi
  if chosen node; then run_node --short; fi
  exit
fi

mkdir -p "$out"
if chosen bench; then
  "${bench[@]}" --log="$out/servers.log" --table="$out/table.txt" --json="$out/figures.json" "${arguments[@]}"
  node "$root/tests/bench/plot.mjs" "$out/figures.json" "$out/figures.svg"
  nmq_say "Written: $out/table.txt, figures.json and figures.svg"
fi
if chosen python; then
  run_python "${rounds[@]}" --table="$out/python.txt" --json="$out/python.json"
  nmq_say "Written: $out/python.txt and python.json"
fi
if chosen node; then
  run_node "${rounds[@]}" --table="$out/node.txt" --json="$out/node.json"
  nmq_say "Written: $out/node.txt and node.json"
fi
