#!/bin/bash
# Makes the folder vendor of this module from Debian's packages of Go sources, where modules cannot be fetched.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
rm -rf vendor
mkdir vendor
while read -r module version; do
  sources=/usr/share/gocode/src/$module
  if [[ ! -d $sources ]]; then
    echo "vendor.sh: there is no $sources: install Debian's package of $module" >&2
    exit 1
  fi
  mkdir -p "vendor/$(dirname "$module")"
  ln -s "$sources" "vendor/$module"
  # As `go mod vendor` writes it, with every folder that has Go code as a package.
  printf '# %s %s\n## explicit; go 1.19\n' "$module" "$version"
  (cd vendor && find -L "$module" -name '*.go' ! -name '*_test.go' -printf '%h\n' | sort -u)
done < <(sed -n 's/^\t\([^ ]*\) \(v[^ ]*\).*/\1 \2/p' go.mod) >vendor/modules.txt
