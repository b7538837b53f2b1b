#!/usr/bin/env bash
# Installs what is missing, then runs every check and test. Ends with "N passed, N failed, N skipped" and fails if any did;
# what was skipped, because this machine cannot run it, is named with the reason.
#
# Everything is compiled once, by Clang, whose analysis of the locks is an error.
#
#   tests/run.sh                 every check and every test, and a share of them with Clang's sanitizers, another one
#                                after each commit
#   tests/run.sh --sanitizers    all shares, and the build of what is deployed by GCC, too; that takes hours
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
# shellcheck source=tools/deps.sh
source tools/deps.sh

sanitizers=false
for arg in "$@"; do
  case $arg in
    --sanitizers) sanitizers=true ;;
    *)
      nmq_say "usage: tests/run.sh [--sanitizers]"
      exit 2
      ;;
  esac
done

nmq_install check
# Not in PATH: Bazel would build everything anew that was built with another one.
readonly tools=$root/tools/node_modules/.bin

# All of this is to end within half an hour, with the share of sanitized tests, which takes some minutes.
readonly SHARE_UNTIL=1320

passed=0
failed=0
failures=()
skips=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

pass() { passed=$((passed + 1)); }

fail() {
  failed=$((failed + 1))
  failures+=("$1")
}

# check NAME COMMAND...: one check; its output is shown when it fails. A command that ends with 77 could not run here, and
# its last line "SKIPPED: why" says why.
check() {
  local name=$1 status=0 why began=$SECONDS
  shift
  "$@" >"$log" 2>&1 || status=$?
  why=$(sed -n 's/^SKIPPED: //p' "$log" | tail -n 1)
  if [[ $status -eq 0 ]]; then
    printf 'ok      %s (%d s)\n' "$name" $((SECONDS - began))
    pass
  elif [[ $status -eq 77 && -n $why ]]; then
    printf 'SKIPPED %s: %s\n' "$name" "$why"
    skips+=("$name: $why")
  else
    cat "$log"
    printf 'FAILED  %s\n' "$name"
    fail "$name"
  fi
}

# bazel_tests NAME ARGUMENT...: bazel test with these options and targets, each test counted as bazel's summary says.
bazel_tests() {
  local name=$1 status target result p=0 f=0 began=$SECONDS
  shift
  # The log is for failures; every minute a line of it says how far this is.
  # Tests wait more than they work.
  bazel test --local_cpu_resources=HOST_CPUS*1.5 --keep_going --color=no --curses=no --show_progress_rate_limit=60 --ui_event_filters=-info \
    --test_summary=short "$@" 2>&1 | tee "$log" | grep --line-buffered -E '^\[[0-9,]+ / [0-9,]+\]'
  status=${PIPESTATUS[0]}
  while read -r target result; do
    if [[ $result == PASSED ]]; then
      p=$((p + 1))
      pass
    else
      f=$((f + 1))
      fail "$name: $target ($result)"
    fi
  done < <(sed -nE 's#^(//[^ ]+) +(\(cached\) )?(PASSED|FAILED TO BUILD|FAILED|TIMEOUT|FLAKY|NO STATUS|INCOMPLETE).*#\1 \3#p' "$log")
  # Something outside the tests, such as a library that does not compile or no test at all.
  if [[ $status -ne 0 && $f -eq 0 ]]; then
    f=1
    fail "$name: bazel ended with $status"
  fi
  if [[ $f -eq 0 ]]; then
    printf 'ok      %s: %d (%d s)\n' "$name" "$p" $((SECONDS - began))
  else
    cat "$log"
    printf 'FAILED  %s: %d of %d\n' "$name" "$f" "$((p + f))"
  fi
}

# sources PATTERN...: own files that match one of the find patterns.
sources() {
  local tests=() pattern
  for pattern in "$@"; do tests+=(-o -name "$pattern"); done
  find . \( -name .git -o -name node_modules -o -name 'bazel-*' -o -name nmq-data \) -prune \
    -o -type f \( "${tests[@]:1}" \) -print
}

check_clang_format() { sources '*.cc' '*.h' | xargs -r clang-format --dry-run --Werror; }
check_buildifier() { sources BUILD WORKSPACE '*.bzl' | xargs -r "$tools/buildifier" -mode=check; }
check_shellcheck() { { sources '*.sh'; echo .ci/run; } | xargs -r shellcheck -x; }
# What is deployed, and each source of it by itself, which must include all that it uses.
check_gcc() {
  bazel build -c opt --color=no --curses=no --noshow_progress --ui_event_filters=-info \
    //server:nmqd //client/cli:nmq //tests/bench:nmq_bench //base/... //client/cpp/... //client/cli/... //server/... &&
    tests/structure/hardened.sh "$(bazel info -c opt bazel-bin 2>/dev/null)/server/nmqd"
}

check "clang-format" check_clang_format
check "buildifier" check_buildifier
check "shellcheck" check_shellcheck
check "rooms of the server" tests/structure/rooms.py
check "what the rooms are held against" tests/structure/rooms_test.py
check "buf lint" "$tools/buf" lint
check "buf format" "$tools/buf" format -d --exit-code
check "benchmark chart" node --test tests/unit/bench/plot_test.mjs
check "Kubernetes manifests" node --test tests/kubernetes/checks_test.mjs tests/kubernetes/manifests_test.mjs
bazel_tests "tests, and thread-safety analysis" --config=clang //...
# nmqd carries calls by itself unless it is told to let gRPC's own server do it, which must look the same to clients.
bazel_tests "tests of whole calls, carried by gRPC's own server" --config=clang --test_env=NMQ_TRANSPORT=grpc \
  -- //tests/integration/... //tests/fault/... -//tests/integration/http2/...
# What these run is built by now.
NMQ_BIN=$(bazel info --config=clang bazel-bin 2>/dev/null)
export NMQ_BIN
check "probes of Kubernetes" node --test tests/kubernetes/probes_test.mjs
check "client for Node.js" npm --prefix client/node test
check "conformance of Python, Node.js, Ruby, Go, Java and buf curl" tests/conformance/run.sh
check "conformance, calls carried by gRPC's own server" env NMQ_TRANSPORT=grpc tests/conformance/run.sh
check "conformance, over TLS with tokens" env NMQ_SECURE=1 tests/conformance/run.sh
check "inputs that libFuzzer makes up" tests/fuzz/run.sh
check "nghttp and h2load" tests/integration/http2/nghttp.sh
check "pages made from the code" tools/docs.sh --check
check "reasons of errors are explained" tests/docs/reasons_test.py
check "reader of the documentation" tests/docs/pages_test.py
check "commands of the documentation" tests/docs/docs_test.py
check "examples, all together" client/examples/run.sh
check "benchmark, short form" tests/bench/run.sh --short
check "container" tests/container/container_test.sh
check "package for Debian" tests/container/package_test.sh
check "C++ library in other projects" tests/docs/cpp_test.py

# Tests that do not go with a sanitizer carry the tag no_asan or no_tsan.
if $sanitizers; then
  check "what is deployed, compiled by GCC" check_gcc
  check "all tests with sanitizers" tests/sanitizers/run.sh
elif [[ $SECONDS -lt $SHARE_UNTIL ]]; then
  check "a share of the tests with sanitizers" tests/sanitizers/run.sh "--share=$(git rev-list --count HEAD 2>/dev/null || date +%-j)"
else
  echo "left out: a share of the tests with sanitizers, since all else took $SECONDS s"
fi

for skip in "${skips[@]}"; do printf 'SKIPPED: %s\n' "$skip"; done
for failure in "${failures[@]}"; do printf 'failed: %s\n' "$failure"; done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "${#skips[@]}"
[[ $failed -eq 0 ]]
