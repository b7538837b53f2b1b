#!/usr/bin/env bash
# Runs the cases against nmqd with the clients of several languages, and with `buf curl`; prints a table, language by case.
# Fails if a case does. What this machine or a client cannot do is left out, and said so.
#
#   tests/conformance/run.sh            all languages; nmqd as bazel built it; NMQ_BIN names another folder than bazel-bin
#   tests/conformance/run.sh ruby       only these
#   NMQ_SECURE=1 tests/conformance/run.sh    over TLS, with tokens
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
PATH=$PATH:$root/tools/node_modules/.bin
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

stubs_of_ruby() {
  local roots=(-I"$root/proto" -I"$root/third_party/googleapis" -I/usr/include)
  mkdir -p "$work/ruby"
  protoc "${roots[@]}" --ruby_out="$work/ruby" --plugin=protoc-gen-grpc="$(command -v grpc_ruby_plugin)" \
    --grpc_out="$work/ruby" "$root"/proto/nmq/v1/*.proto "$root"/third_party/googleapis/google/rpc/*.proto
}

stubs_of_go() {
  local types file
  types=Mgoogle/rpc/status.proto=google.golang.org/genproto/googleapis/rpc/status
  for file in "$root"/proto/nmq/v1/*.proto; do types+=,Mnmq/v1/$(basename "$file")=nmq/v1; done
  mkdir -p "$work/go/src/conformance"
  protoc -I"$root/proto" -I"$root/third_party/googleapis" -I/usr/include --go_out="$work/go/src" --go_opt="$types" \
    --go-grpc_out="$work/go/src" --go-grpc_opt="$types" "$root"/proto/nmq/v1/*.proto
}

stubs_of_java() {
  mkdir -p "$work/java"
  protoc -I"$root/proto" -I"$root/third_party/googleapis" -I/usr/include --java_out="$work/java" \
    --plugin=protoc-gen-grpc="$(command -v grpc_java_plugin)" --grpc_out="$work/java" \
    "$root"/proto/nmq/v1/*.proto "$root"/third_party/googleapis/google/rpc/*.proto
}

# What Debian's gRPC for Java stands on.
java_classpath() {
  printf '/usr/share/java/%s.jar:' geronimo-annotation-1.3-spec gson guava perfmark-api protobuf protobuf-util \
    grpc-{api,context,core,netty,protobuf,protobuf-lite,stub} netty-tcnative \
    netty-{buffer,codec,codec-http,codec-http2,codec-socks,common,handler,handler-proxy,resolver,transport}
}

# has LANGUAGE, run_LANGUAGE: whether this machine can, and the cases.
has() {
  case $1 in
    python) /usr/bin/python3 -c 'import grpc' ;;
    buf) /usr/bin/python3 -c 'import grpc' && hash buf ;;
    node) [[ -d $root/client/node/node_modules/@grpc ]] ;;
    ruby) /usr/bin/ruby -e 'require "grpc"' ;;
    go) [[ -d /usr/share/gocode/src/google.golang.org/grpc ]] && hash go protoc-gen-go protoc-gen-go-grpc ;;
    java) [[ -f /usr/share/java/grpc-netty.jar ]] && hash java javac grpc_java_plugin ;;
    *) echo "no such language: $1"; exit 2 ;;
  esac 2>/dev/null
}
# with_python SCRIPT ADDRESS
with_python() {
  mkdir -p "$work/python"
  cp -r "$root/client/python/nmq" "$work/python/"
  "$root/client/python/generate.sh" "$work/python"
  PYTHONPATH=$work/python PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/$1" "$2"
}
run_python() { with_python client.py "$1"; }
run_buf() { with_python curl.py "$1"; }
run_node() { node "$here/client.mjs" "$1"; }
run_ruby() {
  stubs_of_ruby
  RUBYLIB=$work/ruby /usr/bin/ruby "$here/client.rb" "$1"
}
run_go() {
  stubs_of_go
  cp "$here/client.go" "$work/go/src/conformance/"
  GO111MODULE=off GOFLAGS='' GOPATH=$work/go:/usr/share/gocode go build -o "$work/go/client" conformance
  "$work/go/client" "$1" "$here/cases.json"
}
run_java() {
  stubs_of_java
  javac -nowarn -cp "$(java_classpath)" -sourcepath "$work/java" -d "$work/java" "$here/Client.java"
  if [[ -n ${NMQ_SECURE:-} ]]; then
    # Netty looks for another name than Debian gives its library for TLS with ALPN.
    cp "$(dpkg -L libnetty-tcnative-jni | grep '\.so$')" "$work/java/libnetty_tcnative.so"
  fi
  java -Djava.library.path="$work/java" -cp "$work/java:$(java_classpath)" Client "$1" "$here/cases.json"
}

# secure: makes what nmqd and its clients need for TLS and tokens.
secure() {
  local nmq=${NMQ_BIN:-$root/bazel-bin}/client/cli/nmq
  "$nmq" cert ca --dir "$work" >/dev/null
  "$nmq" cert server --dir "$work" >/dev/null
  NMQ_TOKEN=$("$nmq" token tests 2>"$work/kept")
  export NMQ_TOKEN NMQ_TLS_CA=$work/ca.pem
  tail -n 1 "$work/kept" >"$work/access.textproto"
  printf 'grant { identity: "tests" namespace: "**" right: RIGHT_%s }\n' CONNECT PUBLISH SUBSCRIBE JOIN INSPECT \
    >>"$work/access.textproto"
  flags=(--access="$work/access.textproto" --tls_certificate="$work/server.pem" --tls_key="$work/server.key")
}

flags=()
[[ -z ${NMQ_SECURE:-} ]] || secure
: >"$work/nmqd"
"${NMQ_BIN:-$root/bazel-bin}/server/nmqd" --listen=127.0.0.1:0 --config="$here/nmqd.textproto" \
  --data_dir="$work/data" "${flags[@]}" >>"$work/nmqd" 2>"$work/nmqd.log" &
server=$!
if ! read -r address < <(tail --pid="$server" -n +1 -f "$work/nmqd" |
  sed -nu 's/^nmqd ready grpc=\([^ ]*\).*/\1/p;T;q'); then
  cat "$work/nmqd.log"
  exit 1
fi

languages=("$@")
[[ $# -gt 0 ]] || languages=(python node ruby go java buf)
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
    elif grep -qF "left out $name: " "$work/$language.out"; then
      printf '%-8s' -
    else
      printf '%-8s' FAILED
      failed=$((failed + 1))
    fi
  done
  printf '\n'
done < <(sed -nE 's/^  \{"name": "([^"]*)".*/\1/p' "$here/cases.json")
grep -hE '^(failed|left out) ' "$work"/*.out || true
[[ $failed -eq 0 && ${#ran[@]} -gt 0 ]]
