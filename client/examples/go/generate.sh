#!/bin/bash
# Makes the Go code of nmq's .proto files: the package nmq of this module.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
root=../../..
options=module=example.com/first,Mgoogle/rpc/status.proto=google.golang.org/genproto/googleapis/rpc/status
for file in "$root"/proto/nmq/v1/*.proto; do options+=,Mnmq/v1/$(basename "$file")=example.com/first/nmq; done
protoc -I"$root/proto" -I"$root/third_party/googleapis" -I/usr/include --go_out=. --go_opt="$options" --go-grpc_out=. \
  --go-grpc_opt="$options" "$root"/proto/nmq/v1/*.proto
