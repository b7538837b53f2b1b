#!/usr/bin/env bash
# Debian's nghttp and h2load against nmqd: whole calls of gRPC from a client of HTTP/2 that knows no gRPC. NMQ_BIN names
# the folder that has server/nmqd, if it is not bazel-bin.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
work=$(mktemp -d)
"${NMQ_BIN:-$root/bazel-bin}/server/nmqd" --transport=http2 --listen=127.0.0.1:0 >"$work/ready" 2>"$work/log" &
nmqd=$!
trap 'kill "$nmqd" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in {1..100}; do
  [[ -s $work/ready ]] && break
  sleep 0.1
done
address=$(sed -nE 's/^nmqd ready grpc=([^ ]+) .*/\1/p' "$work/ready")

# A message without fields: grpc.health.v1.HealthCheckRequest.
printf '\0\0\0\0\0' >"$work/request"
call=(-d "$work/request" -H 'content-type: application/grpc' -H 'te: trailers')
url=http://$address/grpc.health.v1.Health/Check

# fails WHAT: says what went wrong, and what was seen.
fails() {
  printf '%s\n' "$1"
  cat "$work/seen"
  exit 1
}

nghttp -v "${call[@]}" "$url" >"$work/seen"
grep -q ':status: 200' "$work/seen" || fails "nghttp has no status 200"
grep -q 'grpc-status: 0' "$work/seen" || fails "nghttp has no grpc-status 0"

h2load -n 10000 -c 10 -m 50 "${call[@]}" "$url" >"$work/seen"
grep -q '10000 succeeded, 0 failed, 0 errored, 0 timeout' "$work/seen" || fails "h2load misses answers"
