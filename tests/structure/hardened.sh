#!/usr/bin/env bash
# Whether a program, as `bazel build -c opt` makes it, has what compiler and linker do against faults that are there all
# the same.
#
#   tests/structure/hardened.sh PROGRAM
set -euo pipefail

program=$1
failed=0

# has WHAT COUNT PATTERN COMMAND...: whether at least so many lines of the command's output match.
has() {
  local found
  found=$("${@:4}" "$program" | grep -cE "$3" || true)
  if [[ $found -ge $2 ]]; then
    echo "ok      $1"
  else
    echo "FAILED  $1: $found lines of $4 match '$3', not $2"
    failed=1
  fi
}

has "position independent" 1 'Type: +DYN' readelf -hW
has "relocations are read-only" 1 'GNU_RELRO' readelf -lW
has "all of them, from the start" 1 'BIND_NOW' readelf -dW
has "no executable stack" 1 'GNU_STACK .* RW ' readelf -lW
has "stack protector" 1 '__stack_chk_fail@' nm -D
has "fortified C library" 5 '__[a-z]+_chk@' nm -D
# Those that come with the C library and its start-up code are a handful.
[[ $(uname -m) != x86_64 ]] || has "landing pads for indirect jumps" 5000 'endbr64' objdump -d --no-show-raw-insn
exit $failed
