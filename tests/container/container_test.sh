#!/usr/bin/env bash
# Makes nmqd's image and runs it as it is to be run: read-only, without capabilities, in 256 MiB. Ends with 0 if all holds,
# with 77 and a line "SKIPPED: why" where containers cannot run, else with 1. NMQ_BIN names the folder of what is built
# already, as bazel-bin is laid out.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"
# shellcheck source=tests/container/podman.sh
source "$root/tests/container/podman.sh"

readonly OVER_BASE_BYTES=68000000
readonly OPTIONS=(--read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges --memory 256m --no-healthcheck)
readonly ORDERS=200
name=nmqd-test-$$
image=localhost/nmqd:test-$$
work=$(mktemp -d)

finish() {
  local status=$?
  trap - EXIT
  podman rm --force --time 1 "$name" "$name-probe" >/dev/null 2>&1 || true
  podman pod rm --force "$name-pod" >/dev/null 2>&1 || true
  podman volume rm --force "$name-pod" "$name-pod-configuration" >/dev/null 2>&1 || true
  podman volume rm --force "$name" >/dev/null 2>&1 || true
  podman rmi --force "$image" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

is_ready() { podman logs "$name" 2>/dev/null | grep -q '^nmqd ready'; }

# start: a new container on the same volume.
start() {
  podman run --detach --name "$name" "${OPTIONS[@]}" --volume "$name:/var/lib/nmq" \
    --volume "$work/nmq.textproto:/etc/nmq/nmq.textproto:ro" --env NMQ_CONFIG=/etc/nmq/nmq.textproto \
    --env NMQ_INSECURE_LISTEN=true --publish 127.0.0.1::50051 "$image" >"$work/run" 2>&1 || fail "podman run: $(cat "$work/run")"
  await "nmqd in its container" is_ready
  NMQ_SERVER=$(podman port "$name" 50051/tcp)
  export NMQ_SERVER
}

remove() { podman rm --force --time 1 "$name" >/dev/null; }

nmq() { "$bin/client/cli/nmq" "$@"; }

is_connected() { nmq clients --json | grep -q '"name": *"hearer"'; }

# What the durable queue holds: the payloads, one a line. nmq fails if there are fewer.
orders() { timeout "$PATIENCE" "$bin/client/cli/nmq" sub ORDERS --from earliest --count "$1" --json | payloads; }

payloads() {
  node -e 'for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
    const heard = JSON.parse(line);
    console.log(heard.gap ? "a gap: " + line : heard.payload);
  }'
}

build() {
  cd "$root"
  bin=${NMQ_BIN:-}
  if [[ -n $bin ]]; then
    # It is not optimized: with its symbols it would be larger than what is deployed.
    strip -o "$work/stripped" "$bin/server/nmqd" || fail "no nmqd"
    deploy/container.sh --tag="$image" --nmqd="$work/stripped" || fail "deploy/container.sh"
  else
    deploy/container.sh --tag="$image" || fail "deploy/container.sh"
    bazel build --show_result=0 --ui_event_filters=-info --noshow_progress //client/cli:nmq || fail "no nmq"
    bin=$(readlink -f "$(bazel info bazel-bin 2>/dev/null)")
  fi
  podman run --rm --name "$name-probe" "${OPTIONS[@]}" --publish 127.0.0.1::50051 "$BASE" true >"$work/probe" 2>&1 ||
    skip "this machine cannot run containers: $(tail -n 1 "$work/probe")"
}

check_image() {
  local over
  over=$(($(podman image inspect --format '{{.Size}}' "$image") - $(podman image inspect --format '{{.Size}}' "$BASE")))
  [[ $over -lt $OVER_BASE_BYTES ]] || fail "the image is $over bytes over its base, of $OVER_BASE_BYTES"
  ok "the image is $((over / 1000000)) MB over its base"
  [[ $(podman image inspect --format '{{.Config.User}}' "$image") == 65532:65532 ]] || fail "the image's user"
  podman image inspect --format '{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}' "$image" >"$work/labels"
  grep -q "org.opencontainers.image.revision=[0-9a-f]\{40\} " "$work/labels" || fail "labels: $(cat "$work/labels")"
  ok "it runs as 65532 and says where it is from"
}

# shellcheck disable=SC2016 # that is JavaScript
check_contents() {
  podman exec "$name" cat /usr/local/share/nmq/sbom.spdx.json >"$work/sbom.json"
  node -e 'const sbom = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const names = new Set(sbom.packages.map((p) => p.name));
    for (const name of ["nmqd", "libc6", "librocksdb7.8"]) if (!names.has(name)) throw Error(name);
    const linked = sbom.relationships.filter((r) => r.relationshipType === "STATIC_LINK").map((r) => r.relatedSpdxElement);
    if (!names.has("libgrpc29") && !linked.includes("SPDXRef-linked-libgrpc-dev")) throw Error("gRPC");
    const ids = new Set(sbom.packages.map((p) => p.SPDXID));
    if (ids.size !== sbom.packages.length) throw Error("ids are not unique");
    for (const r of sbom.relationships) if (!ids.has(r.relatedSpdxElement)) throw Error(r.relatedSpdxElement);
    console.log(`ok  it lists its ${names.size - 2} Debian packages and nmqd`);' "$work/sbom.json" || fail "its list of packages"
}

check_confinement() {
  podman exec "$name" cat /proc/1/status >"$work/status"
  grep -q '^Uid:	65532	65532' "$work/status" || fail "nmqd runs as $(grep ^Uid: "$work/status")"
  grep -q '^CapEff:	0*$' "$work/status" || fail "nmqd has capabilities: $(grep ^CapEff: "$work/status")"
  podman exec "$name" cat /proc/1/mounts >"$work/mounts"
  grep -qE '^[^ ]+ / [^ ]+ ro,' "$work/mounts" || fail "its root is not read-only: $(grep ' / ' "$work/mounts")"
  ok "nmqd is process 1, and has no capabilities, a read-only root and nowhere else to write"
}

check_health() {
  local words
  podman exec "$name" /usr/local/bin/nmqd --health_check >/dev/null || fail "it is not healthy"
  words=$(podman image inspect --format '{{.HealthCheck.Test}}' "$image")
  [[ $words == "[CMD /usr/local/bin/nmqd --health_check]" ]] || fail "the image's HEALTHCHECK is $words"
  if podman exec --env NMQ_LISTEN=127.0.0.1:1 "$name" /usr/local/bin/nmqd --health_check 2>"$work/unhealthy"; then
    fail "healthy where nothing listens"
  fi
  [[ $(wc -l <"$work/unhealthy") -ge 1 ]] || fail "no reason why it is not healthy"
  ok "its health check tells healthy from unhealthy"
}

check_messages() {
  timeout "$PATIENCE" "$bin/client/cli/nmq" sub DB --name hearer --count 1 --json >"$work/heard" &
  await "the subscriber among the clients" is_connected
  ok "the clients are listed"
  nmq pub DB CREATE hello >/dev/null || fail "publishing"
  wait "$!" || fail "the subscriber heard nothing"
  [[ $(payloads <"$work/heard") == hello ]] || fail "heard $(cat "$work/heard")"
  ok "what is published is heard"
  seq "$ORDERS" | nmq pub ORDERS NEW - >/dev/null || fail "publishing to the durable queue"
  seq "$ORDERS" >"$work/expected"
}

stop() {
  podman stop --time 30 "$name" >/dev/null
  [[ $(podman inspect --format '{{.State.ExitCode}}' "$name") == 0 ]] || fail "SIGTERM did not end it in order"
  podman logs "$name" 2>&1 | grep -q ' stopped$' || fail "it does not say that it stopped"
  ok "SIGTERM stops it in order"
  remove
}

check_orders() {
  orders "$(wc -l <"$work/expected")" >"$work/orders" || fail "the durable queue does not hold all"
  cmp "$work/expected" "$work/orders" || fail "the durable queue holds something else"
  ok "$1: the durable queue holds all $(wc -l <"$work/expected") messages, in order"
}

check_restarts() {
  stop
  start
  check_orders "after a stop"
  nmq pub ORDERS NEW more | grep -q "ORDERS NEW $((ORDERS + 1)):" || fail "sequences do not go on"
  echo more >>"$work/expected"
  podman kill --signal KILL "$name" >/dev/null
  remove
  start
  check_orders "after a kill"
}

check_wrong_configuration() {
  local status=0
  remove
  echo 'namespace { nonsense: 1 }' >"$work/nmq.textproto"
  podman run --rm --name "$name" "${OPTIONS[@]}" --volume "$work/nmq.textproto:/etc/nmq/nmq.textproto:ro" \
    "$image" --insecure_listen --config=/etc/nmq/nmq.textproto >"$work/refused" 2>&1 || status=$?
  if [[ $status -ne 1 ]] || ! grep -q '^nmqd: /etc/nmq/nmq.textproto:1:' "$work/refused"; then
    fail "a wrong configuration: $status, $(cat "$work/refused")"
  fi
  ok "a wrong configuration ends it with 1 and the line"
}

check_exposure() {
  local status=0
  podman run --rm --name "$name" "${OPTIONS[@]}" "$image" >"$work/exposed" 2>&1 || status=$?
  if [[ $status -ne 2 ]] || ! grep -q '^nmqd: .*--tls_certificate.*--insecure_listen' "$work/exposed"; then
    fail "no certificate, no identities: $status, $(cat "$work/exposed")"
  fi
  ok "without a certificate and identities it ends with 2 and says what to give it"
}

is_pod_ready() { podman logs "$name-pod-nmqd" 2>/dev/null | grep -q '^nmqd ready'; }

# play_pod PORT ARGUMENT...: the pod of deploy/kubernetes; ARGUMENT as pod.mjs has it.
play_pod() {
  node "$root/tests/kubernetes/pod.mjs" "$image" "$name-pod" "$@" >"$work/pod.yaml" || fail "no pod"
  (cd "$work" && podman play kube --build=false pod.yaml >"$work/play" 2>&1) || fail "podman play kube: $(cat "$work/play")"
  await "nmqd in its pod" is_pod_ready
  export NMQ_SERVER=127.0.0.1:$1
}

end_pod() {
  podman play kube --down "$work/pod.yaml" >"$work/down" 2>&1 || fail "podman play kube --down: $(cat "$work/down")"
}

check_pod() {
  local port facts
  nmq_install_kubernetes_node_packages
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port);
    s.close();
  })')
  play_pod "$port"
  facts=$(podman inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.EffectiveCaps}}' "$name-pod-nmqd")
  [[ $facts == "true 65532:65532 []" ]] || fail "the pod's container: $facts"
  seq "$ORDERS" | nmq pub ORDERS NEW - >/dev/null || fail "publishing to the pod"
  seq "$ORDERS" >"$work/expected"
  end_pod
  play_pod "$port" --again
  check_orders "the pod of deploy/kubernetes, played by podman, after a restart"
  end_pod
}

prepare_podman
command -v buildah >/dev/null || skip "buildah is not installed"
build
cat >"$work/nmq.textproto" <<END
namespace { name: "default" queue { name: "ORDERS" durability: DURABILITY_DURABLE } }
END
chmod 644 "$work/nmq.textproto"
check_image
start
check_contents
check_confinement
check_health
check_messages
check_restarts
check_wrong_configuration
check_exposure
check_pod
