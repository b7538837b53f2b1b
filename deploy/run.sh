#!/usr/bin/env bash
# Installs what is missing, builds nmqd and nmq, and runs nmqd in the foreground with the given arguments.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"

nmq_install build

options=(-c opt --show_result=0 --ui_event_filters=-info)
# Without a terminal, a line about every half a minute says how far it is.
[[ -t 2 ]] || options+=(--curses=no --color=no --show_progress_rate_limit=30)

nmq_say "Building nmqd and nmq; the first time takes some minutes"
cd_back=$PWD
cd "$root"
bazel build "${options[@]}" //server:nmqd //client/cli:nmq || nmq_fail "the build failed; its messages are above"
# Not through bazel-bin, which the next build may point elsewhere.
bin=$(readlink -f "$(bazel info -c opt bazel-bin 2>/dev/null)")
cd "$cd_back"

nmq_say "The client: $bin/client/cli/nmq"
nmq_say "Starting nmqd${*:+ $*}"
exec "$bin/server/nmqd" "$@"
