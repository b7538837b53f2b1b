#!/usr/bin/env bash
# Sends inputs that libFuzzer makes up to a connection of HTTP/2, with the sanitizers of addresses and undefined behaviour.
# An input that breaks something is left in the folder that NMQ_FUZZ_DIR names: mend it, and add it to corpus/.
#
#   tests/fuzz/run.sh [SECONDS]    60, if not said
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${1:-60}
folder=${NMQ_FUZZ_DIR:-$(mktemp -d)}
mkdir -p "$folder/found"
bazel build --config=fuzz --color=no --noshow_progress --ui_event_filters=-info //tests/fuzz:connection_fuzz
bin=$(bazel info --config=fuzz bazel-bin 2>/dev/null)
# The second folder is only read.
"$bin/tests/fuzz/connection_fuzz" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -verbosity=1 \
  -artifact_prefix="$folder/" "$folder/found" tests/fuzz/corpus/connection
