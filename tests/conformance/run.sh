#!/usr/bin/env bash
# Runs the cases against nmqd with the clients of several languages; prints a table, language by case. Fails if a case
# does. A language that this machine lacks is left out, and said so.
#
#   tests/conformance/run.sh            all languages; nmqd as bazel built it, or NMQD
#   tests/conformance/run.sh ruby       only these
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

stubs_of_ruby() {
  local roots=(-I"$root/proto" -I"$root/third_party/googleapis" -I/usr/include)
  mkdir -p "$work/ruby"
  protoc "${roots[@]}" --ruby_out="$work/ruby" --plugin=protoc-gen-grpc="$(command -v grpc_ruby_plugin)" \
    --grpc_out="$work/ruby" "$root"/proto/nmq/v1/*.proto "$root"/third_party/googleapis/google/rpc/*.proto
}

# has LANGUAGE, run_LANGUAGE: whether this machine can, and the cases.
has() {
  case $1 in
    python) /usr/bin/python3 -c 'import grpc' ;;
    node) [[ -d $root/client/node/node_modules/@grpc ]] ;;
    ruby) /usr/bin/ruby -e 'require "grpc"' ;;
    *) echo "no such language: $1"; exit 2 ;;
  esac 2>/dev/null
}
run_python() {
  "$root/client/python/generate.sh" "$work/python"
  cp "$root"/client/python/nmq/*.py "$work/python/nmq/"
  PYTHONPATH=$work/python PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/client.py" "$1"
}
run_node() { node "$here/client.mjs" "$1"; }
run_ruby() {
  stubs_of_ruby
  RUBYLIB=$work/ruby /usr/bin/ruby "$here/client.rb" "$1"
}

: >"$work/nmqd"
"${NMQD:-$root/bazel-bin/server/nmqd}" --listen=127.0.0.1:0 --config="$here/nmqd.textproto" \
  --data_dir="$work/data" >>"$work/nmqd" 2>"$work/nmqd.log" &
server=$!
if ! read -r address < <(tail --pid="$server" -n +1 -f "$work/nmqd" |
  sed -nu 's/^nmqd ready grpc=\([^ ]*\).*/\1/p;T;q'); then
  cat "$work/nmqd.log"
  exit 1
fi

languages=("$@")
[[ $# -gt 0 ]] || languages=(python node ruby)
ran=()
for language in "${languages[@]}"; do
  if ! has "$language"; then
    echo "left out: $language, which this machine lacks"
    continue
  fi
  ran+=("$language")
  "run_$language" "$address" >"$work/$language.out" 2>"$work/$language.err" || cat "$work/$language.err"
done

failed=0
printf '%-36s' case
printf '%-8s' "${ran[@]}"
printf '\n'
while read -r name; do
  printf '%-36s' "$name"
  for language in "${ran[@]}"; do
    if grep -qxF "ok $name" "$work/$language.out"; then
      printf '%-8s' ok
    else
      printf '%-8s' FAILED
      failed=$((failed + 1))
    fi
  done
  printf '\n'
done < <(sed -nE 's/^  \{"name": "([^"]*)".*/\1/p' "$here/cases.json")
grep -h '^failed ' "$work"/*.out || true
[[ $failed -eq 0 && ${#ran[@]} -gt 0 ]]
