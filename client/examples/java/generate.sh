#!/bin/bash
# Makes the Java code of nmq's .proto files, beside the program, with Debian's protoc and grpc_java_plugin.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
root=../../..
protoc -I"$root/proto" -I"$root/third_party/googleapis" -I/usr/include --java_out=src/main/java --grpc_out=src/main/java \
  --plugin=protoc-gen-grpc="$(command -v grpc_java_plugin)" "$root"/proto/nmq/v1/*.proto \
  "$root"/third_party/googleapis/google/rpc/*.proto
