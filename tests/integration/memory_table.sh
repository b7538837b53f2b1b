#!/bin/bash
# Prints what docs/capacity.md has a table of: the most memory that nmqd took, by limit and load, and what it kept. From
# an optimized build, in control groups, so as root; takes some ten minutes. With --all every load of the test.
set -euo pipefail
cd "$(dirname "$0")/../.."

loads='*OfAControlGroupHolds/*Many*:*OfAControlGroupHolds/*Large*:*OfAControlGroupHolds/*Idle*'
[ "${1:-}" = --all ] && loads='*OfAControlGroupHolds/*'
bazel test -c opt --nocache_test_results --test_env=NMQ_LONG=1 --test_output=all --test_arg=--gtest_filter="$loads" \
  //tests/integration:memory_limit_test | grep '^| .* MiB | .* refused |$'
