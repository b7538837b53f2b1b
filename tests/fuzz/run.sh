#!/usr/bin/env bash
# Lets libFuzzer make inputs up for each target of this folder, one on each processor at a time, with the sanitizers of
# addresses and undefined behaviour. An input that breaks something is left in the folder that NMQ_FUZZ_DIR names: mend
# it, and add it to the target's corpus.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]    30 for each, if not said, and all targets
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${1:-30}
targets=("${@:2}")
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in tests/fuzz/*_fuzz.cc; do targets+=("$(basename "$source" _fuzz.cc)"); done
fi
labels=("${targets[@]/#///tests/fuzz:}")
bazel build --config=fuzz --color=no --noshow_progress --ui_event_filters=-info "${labels[@]/%/_fuzz}"
bin=$(bazel info --config=fuzz bazel-bin 2>/dev/null)/tests/fuzz
folder=${NMQ_FUZZ_DIR:-$(mktemp -d)}

# fuzz TARGET: its output is printed in one piece at the end.
fuzz() {
  local status=0
  mkdir -p "$folder/$1"
  # The second folder is only read.
  "$bin/$1_fuzz" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -verbosity=1 \
    -artifact_prefix="$folder/$1-" "$folder/$1" "tests/fuzz/corpus/$1" >"$folder/$1.log" 2>&1 || status=$?
  if [[ $status -eq 0 ]]; then
    echo "$1: $(tail -n 1 "$folder/$1.log")"
  else
    echo "$1: broken, see $folder/$1-*"
    tail -n 60 "$folder/$1.log"
  fi
  return $status
}
export -f fuzz
export seconds bin folder
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz {}'
