#!/usr/bin/env bash
# Makes the package nmq and installs it in a fresh Debian with systemd: the service runs, is used, upgraded over itself,
# removed, installed again and purged. Ends with 0 if all holds, with 77 and a line "SKIPPED: why" where that cannot be,
# else with 1. NMQ_BIN names the folder of what is built already, as bazel-bin is laid out.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"
# shellcheck source=tests/container/podman.sh
source "$root/tests/container/podman.sh"

readonly ORDERS=200
name=nmq-package-test-$$
work=$(mktemp -d)

finish() {
  local status=$?
  trap - EXIT
  podman rm --force --time 1 "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

# inside COMMAND...: in the fresh Debian.
inside() { podman exec "$name" "$@"; }

# apt ARGUMENT...: as root types it.
apt() {
  inside env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends "$@" >"$work/apt" 2>&1 || {
    tail -n 20 "$work/apt" >&2
    fail "apt-get $*"
  }
}

is_active() { inside systemctl --quiet is-active nmqd; }
is_up() { inside systemctl is-system-running | grep -qE '^(running|degraded)$'; }
has_no_sources() { grep -qE 'Temporary failure resolving|Unable to locate package|Failed to fetch' "$work/apt"; }

build() {
  local options=(--out="$work")
  [[ -z ${NMQ_BIN:-} ]] || options+=(--bin="$NMQ_BIN")
  "$root/deploy/package.sh" "${options[@]}" 2>"$work/log" || fail "deploy/package.sh: $(cat "$work/log")"
  package=$(echo "$work"/nmq_*.deb)
  ok "it is $(($(stat -c %s "$package") / 1000)) kB"
}

check_lintian() {
  local file
  for file in "$work"/*.deb; do
    lintian --allow-root --fail-on error,warning "$file" >"$work/lintian" 2>&1 || fail "lintian: $(cat "$work/lintian")"
  done
  ok "lintian has nothing to say"
}

# Debian without anything of ours; systemd begins once it is there, and may give services their own view of files.
start() {
  podman run --detach --name "$name" --systemd=always --cap-add SYS_ADMIN "$BASE" \
    sh -c 'until [ -e /started ]; do sleep 0.1; done; exec /sbin/init' >"$work/run" 2>&1 ||
    skip "this machine cannot run containers: $(tail -n 1 "$work/run")"
  inside apt-get update >"$work/apt" 2>&1 || skip "no Debian packages in a container: $(grep '^E: ' "$work/apt" | head -n 1)"
  apt install systemd-sysv
  inside touch /started
  local end=$((SECONDS + PATIENCE))
  until is_up; do
    [[ $SECONDS -lt $end ]] || skip "this machine cannot run systemd in a container"
    sleep 0.1
  done
  podman cp "$package" "$name:/nmq.deb"
}

check_install() {
  apt install /nmq.deb
  is_active || fail "the service does not run: $(inside journalctl --unit nmqd --no-pager)"
  # What NMQ_LISTEN would say; systemd has it from nmqd itself.
  [[ $(inside systemctl show --property StatusText nmqd) == "StatusText=serves gRPC on 127.0.0.1:50051" ]] ||
    fail "its status: $(inside systemctl show --property StatusText nmqd)"
  inside systemctl --quiet is-enabled nmqd || fail "it does not start with the machine"
  ok "apt-get install starts the service, which says when it serves"
}

check_confinement() {
  local pid
  pid=$(inside systemctl show --property MainPID --value nmqd)
  inside cat "/proc/$pid/status" >"$work/status"
  [[ $(inside stat -c %U "/proc/$pid") == nmq ]] || fail "nmqd runs as $(inside stat -c %U "/proc/$pid")"
  grep -q '^CapBnd:	0*$' "$work/status" || fail "nmqd can have capabilities: $(grep ^CapBnd: "$work/status")"
  grep -q '^Seccomp:	2$' "$work/status" || fail "nmqd may make all system calls: $(grep ^Seccomp: "$work/status")"
  inside cat "/proc/$pid/mounts" >"$work/mounts"
  grep -qE '^[^ ]+ / [^ ]+ ro,' "$work/mounts" || fail "its root is not read-only"
  [[ $(inside stat -c '%U %a' /var/lib/nmq) == "nmq 750" ]] || fail "/var/lib/nmq: $(inside stat -c '%U %a' /var/lib/nmq)"
  ok "it runs as a user of its own, without capabilities, and writes to its folder only"
}

# What the durable queue holds: the payloads, one a line.
orders() { inside timeout "$PATIENCE" nmq sub ORDERS --from earliest --count "$ORDERS" | sed 's/.*| //'; }

check_orders() {
  orders >"$work/orders" || fail "$1: the queue does not hold all"
  seq "$ORDERS" | cmp - "$work/orders" || fail "$1: the queue holds something else"
  ok "$1: the queue holds all $ORDERS messages, in order"
}

check_use() {
  inside nmq queue create ORDERS --durability durable >/dev/null || fail "nmq queue create"
  seq "$ORDERS" | podman exec --interactive "$name" nmq pub ORDERS NEW - >/dev/null || fail "nmq pub"
  check_orders "installed"
}

check_upgrade() {
  local before after
  before=$(inside systemctl show --property MainPID --value nmqd)
  inside sh -c 'echo "limits { payload_bytes: 10 }" >>/etc/nmq/nmq.textproto'
  apt install --reinstall /nmq.deb
  is_active || fail "the service does not run: $(inside journalctl --unit nmqd --no-pager)"
  after=$(inside systemctl show --property MainPID --value nmqd)
  [[ $before != "$after" ]] || fail "the old nmqd goes on"
  ! inside nmq pub ORDERS NEW 12345678901 2>"$work/refused" || fail "the configuration is another one"
  grep -q payload_bytes "$work/refused" || fail "$(cat "$work/refused")"
  check_orders "upgraded over itself, with its configuration"
}

# finds OUTPUT WORD...: all words are in the output.
finds() {
  local output=$1 word
  shift
  for word in "$@"; do [[ " $output " == *" $word "* ]] || fail "completion: no $word in: $output"; done
}

# In the folder of what is installed, by the shells themselves.
check_completion() {
  local share=$work/share
  podman cp "$name:/usr/share/bash-completion/completions/." "$share-bash"
  podman cp "$name:/usr/share/fish/vendor_completions.d/." "$share-fish"
  podman cp "$name:/usr/share/zsh/vendor-completions/." "$share-zsh"
  finds "$("$root/tests/container/complete.sh" bash "$share-bash" nmq queue cr)" create
  finds "$("$root/tests/container/complete.sh" bash "$share-bash" nmq queue create X --durability '')" live durable buffered
  finds "$("$root/tests/container/complete.sh" bash "$share-bash" nmqd --tls)" --tls_key=
  finds "$("$root/tests/container/complete.sh" fish "$share-fish" nmq queue cr)" create
  finds "$("$root/tests/container/complete.sh" fish "$share-fish" nmq queue create X --durability '')" live durable buffered
  finds "$("$root/tests/container/complete.sh" fish "$share-fish" nmqd --tls)" --tls_key
  finds "$("$root/tests/container/complete.sh" zsh "$share-zsh" nmq queue cr)" create
  finds "$("$root/tests/container/complete.sh" zsh "$share-zsh" nmq queue create X --durability '')" live durable buffered
  finds "$("$root/tests/container/complete.sh" zsh "$share-zsh" nmqd --tls)" --tls_key
  ok "bash, fish and zsh complete commands, options and values"
}

# Each command and option of the help is on the page.
check_manual() {
  local word
  podman cp "$name:/usr/share/man/man1/nmq.1.gz" "$work/nmq.1.gz"
  podman cp "$name:/usr/share/man/man8/nmqd.8.gz" "$work/nmqd.8.gz"
  MANWIDTH=200 man --warnings --local-file "$work/nmq.1.gz" >"$work/nmq.1" 2>"$work/warnings"
  MANWIDTH=200 man --warnings --local-file "$work/nmqd.8.gz" >"$work/nmqd.8" 2>>"$work/warnings"
  [[ ! -s $work/warnings ]] || fail "man: $(cat "$work/warnings")"
  for word in $(inside nmqd --help 2>&1 | sed -nE 's/^ +(--[a-z_]+) \(.*/\1/p'); do
    grep -q -- "^ *$word\b" "$work/nmqd.8" || fail "nmqd(8) does not have $word"
  done
  for word in 'queue create QUEUE' 'dead redrive QUEUE' '--ack-deadline' '--tls-ca'; do
    grep -q -- "^ *$word" "$work/nmq.1" || fail "nmq(1) does not have $word"
  done
  ok "nmqd(8) and nmq(1) have what the help has"
}

check_removal() {
  apt remove nmq
  ! is_active || fail "removed, and its service runs"
  apt install /nmq.deb
  is_active || fail "installed again, and its service does not run"
  check_orders "removed and installed again"
  apt purge nmq
  ! is_active || fail "purged, and its service runs"
  inside sh -c 'ls -d /var/lib/nmq /etc/nmq /etc/default/nmq /lib/systemd/system/nmqd.service \
    /etc/systemd/system/multi-user.target.wants/nmqd.service 2>/dev/null' >"$work/left" || true
  [[ ! -s $work/left ]] || fail "purged, and left behind: $(cat "$work/left")"
  ok "purge leaves nothing behind"
}

prepare_podman
command -v lintian >/dev/null || skip "lintian is not installed"
provide_base "$work"
build
check_lintian
start
check_install
check_confinement
check_use
check_upgrade
check_completion
check_manual
check_removal
