#!/bin/sh
# needed_packages.sh BINARY: prints the Debian packages of this system that hold the shared libraries of BINARY, one a
# line; a runtime image installs exactly these. Fails if a library is missing or belongs to no package.
set -eu

libraries=$(ldd "$1")
missing=$(printf '%s\n' "$libraries" | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | tr '\n' ' ')
if [ -n "$missing" ]; then
  echo "error: $1 needs libraries that this system lacks: $missing" >&2
  exit 1
fi
# Packages know the files themselves, not the links to them, and not that /lib is /usr/lib.
owners=$(
  for file in $(printf '%s\n' "$libraries" | sed -nE 's/.*=> ([^ ]+) \(.*/\1/p' | xargs readlink -f); do
    owner=$(dpkg-query -S "$file" 2>/dev/null || dpkg-query -S "${file#/usr}" 2>/dev/null) || {
      echo "error: $file belongs to no Debian package" >&2
      exit 1
    }
    echo "${owner%%:*}"
  done
)
printf '%s\n' "$owners" | LC_ALL=C sort -u
