#!/usr/bin/env bash
# Builds nmqd from what is committed in two different folders, each from nothing, and compares the binaries byte for byte. Takes
# as long as two whole builds, so tests/run.sh leaves it out.
#
#   tests/container/reproducible.sh [TARGET]    //server:nmqd if no other binary is named
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${1:-//server:nmqd}
path=${target#//}
path=${path/:/\/}
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

# build FOLDER: nothing is taken from other builds, neither outputs nor a cache.
build() {
  local tree=$work/$1/tree base=$work/$1/base status=0
  mkdir -p "$tree"
  git -C "$root" archive HEAD | tar -x -C "$tree"
  cd "$tree"
  bazel --output_base="$base" build -c opt --disk_cache= --show_result=0 --noshow_progress "$target" || status=$?
  [[ $status -ne 0 ]] || cp -L "bazel-bin/$path" "$work/$1.binary"
  bazel --output_base="$base" shutdown
  return $status
}

build one
build another/folder/of-a-longer-name
mv "$work/another/folder/of-a-longer-name.binary" "$work/another.binary"
sha256sum "$work/one.binary" "$work/another.binary"
if cmp "$work/one.binary" "$work/another.binary"; then
  echo "the same inputs gave the same $target"
else
  echo "failed: $target differs"
  exit 1
fi
