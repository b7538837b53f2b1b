#!/usr/bin/env bash
# Makes the Python code of the .proto files, in nmq/v1 and nmq/_googleapis of FOLDER (this folder if none is given).
# Run from anywhere; bazel runs it from the root of its own copy of the tree.
#
#   client/python/generate.sh [FOLDER]
set -euo pipefail

out=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
[[ -d proto/nmq/v1 ]] || cd "$(dirname "${BASH_SOURCE[0]}")/../.."
roots=(-Iproto -Ithird_party/googleapis -I/usr/include)

mkdir -p "$out/nmq/_googleapis"
protoc "${roots[@]}" --python_out="$out" --pyi_out="$out" proto/nmq/v1/*.proto
protoc "${roots[@]}" --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" --grpc_out="$out" \
  proto/nmq/v1/admin.proto proto/nmq/v1/message_queue.proto proto/nmq/v1/registry.proto
protoc "${roots[@]}" --python_out="$out/nmq/_googleapis" --pyi_out="$out/nmq/_googleapis" third_party/googleapis/google/rpc/*.proto
