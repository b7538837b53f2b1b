#!/usr/bin/env bash
# The tests with Clang's sanitizers: all with those of addresses and undefined behaviour, and those in which threads meet
# with that of threads. Before that, a seeded fault of each kind must be caught. The tests are parted into shares, so that
# each run of all checks can afford one: of those that need few libraries, compiled as tests/fuzz has them.
#
#   tests/sanitizers/run.sh                all shares; hours on two processors
#   tests/sanitizers/run.sh --share=N      one share of those that need few libraries: the Nth, round and round
#   tests/sanitizers/run.sh --list         prints the shares
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# So few tests that a share takes some minutes from nothing.
readonly SHARE=4
readonly THREADED='//tests/unit/(broker|client/cpp|grpc|group|http2|log|namespace|queue|rpc)[:/]|//tests/integration'

bazel() { command bazel "$1" --color=no --curses=no --noshow_progress --ui_event_filters=-info "${@:2}"; }

# What needs few libraries.
readonly LIGHT='//tests/unit/(access|audit|base|call|config|frame|http2|limits|log|message|metrics|presence|question|service|session)[:/]'

# shares CONFIG: lines of targets, each of one package.
shares() {
  local without='no_asan'
  [[ $1 == tsan ]] && without='no_tsan'
  command bazel query --noshow_progress --ui_event_filters=-info \
    "kind(cc_test, //tests/...) except attr(tags, '\\b$without\\b', //tests/...)" 2>/dev/null | sort |
    { if [[ $1 == tsan ]]; then grep -E "$THREADED"; else cat; fi; } |
    awk -F: -v most="$SHARE" '
      $1 != package || count == most { if (NR > 1) print line; line = ""; count = 0; package = $1 }
      { line = line (count++ ? " " : "") $0 }
      END { print line }'
}

# caught CONFIG FAULT WORDS: whether the program with the fault ends with these words.
caught() {
  local said
  bazel build "--config=$1" "//tests/sanitizers:$2"
  if said=$("$(command bazel info "--config=$1" bazel-bin 2>/dev/null)/tests/sanitizers/$2" 2>&1) || [[ $said != *"$3"* ]]; then
    echo "$1 does not catch the seeded $2: $said"
    return 1
  fi
  echo "$1 catches the seeded $2"
}

# run CONFIG TARGET...
run() {
  echo "$*"
  bazel test "--config=$1" --keep_going --test_summary=short "${@:2}"
}

caught fuzz overflow heap-buffer-overflow
caught fuzz shift "shift exponent"
caught tsan race "data race"
all=()
for config in fuzz tsan; do
  while read -r share; do all+=("$config $share"); done < <(shares $config)
done
case ${1:-} in
  --list)
    printf '%s\n' "${all[@]}"
    exit
    ;;
  --share=*)
    mapfile -t all < <(printf '%s\n' "${all[@]}" | grep -E "$LIGHT")
    all=("${all[$((${1#--share=} % ${#all[@]}))]}")
    ;;
  '') ;;
  *)
    echo "usage: tests/sanitizers/run.sh [--share=N | --list]" >&2
    exit 2
    ;;
esac
status=0
for share in "${all[@]}"; do
  # shellcheck disable=SC2086
  run $share || status=1
done
exit $status
