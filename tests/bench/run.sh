#!/usr/bin/env bash
# Installs what is missing, builds nmqd and nmq_bench with -c opt, and measures. Arguments go to nmq_bench, for example
# --only=T10,L --rounds=3 --json=figures.json; --help lists them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"

nmq_install build

options=(-c opt --show_result=0 --ui_event_filters=-info)
[[ -t 2 ]] || options+=(--noshow_progress)

nmq_say "Building nmqd and nmq_bench"
cd_back=$PWD
cd "$root"
bazel build "${options[@]}" //server:nmqd //tests/bench:nmq_bench || nmq_fail "the build failed; its messages are above"
# Not through bazel-bin, which the next build may point elsewhere.
bin=$(readlink -f "$(bazel info -c opt bazel-bin 2>/dev/null)")
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
cd "$cd_back"

# nmq_bench starts an nmqd for each measurement and stops it by its process id.
exec "$bin/tests/bench/nmq_bench" --nmqd="$bin/server/nmqd" --commit="$commit" "$@"
