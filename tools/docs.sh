#!/usr/bin/env bash
# Makes anew what the pages in docs/ have from the code: api.md, and the tables of configuration.md.
#
#   tools/docs.sh            with nmqd as bazel built it; NMQ_BIN names another folder than bazel-bin
#   tools/docs.sh --check    changes nothing; fails if a page is not as the code says
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
nmqd=${NMQ_BIN:-$root/bazel-bin}/server/nmqd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$root/tools/api_docs.py" >"$work/api.md"
"$nmqd" --print_reference >"$work/reference"
sed '/^$/,$d' "$work/reference" >"$work/flags"
sed '1,/^$/d' "$work/reference" >"$work/limits"
awk -v work="$work" '
  /^<!-- \/(flags|limits) -->$/ { skip = 0 }
  !skip { print }
  /^<!-- (flags|limits) -->$/ { while ((getline line < (work "/" $2)) > 0) print line; skip = 1 }
' "$root/docs/configuration.md" >"$work/configuration.md"

status=0
for page in api.md configuration.md; do
  if [[ ${1:-} == --check ]]; then
    diff -u "$root/docs/$page" "$work/$page" || status=1
  else
    cp "$work/$page" "$root/docs/$page"
  fi
done
[[ $status -eq 0 ]] || echo "run tools/docs.sh"
exit $status
