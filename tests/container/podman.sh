# shellcheck shell=bash
# shellcheck disable=SC2154 # whoever sources it has root, name and work
# What the tests in containers share. Source it after tools/deps.sh; $root is the repository, $name the container that a
# failure shows, $work a folder.

# shellcheck source=deploy/container/base_image.sh
source "$root/deploy/container/base_image.sh"

readonly SKIPPED=77
readonly PATIENCE=60 # seconds for anything that should happen at once

skip() {
  printf 'SKIPPED: %s\n' "$*"
  exit $SKIPPED
}

fail() {
  printf 'failed: %s\n' "$*" >&2
  podman logs "$name" >&2 2>/dev/null || true
  exit 1
}

ok() { printf 'ok  %s\n' "$*"; }

# await WHAT COMMAND...: waits until the command succeeds.
await() {
  local what=$1 end=$((SECONDS + PATIENCE))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || fail "waited $PATIENCE s in vain for $what"
    sleep 0.1
  done
}

# The settings in which the engine of Debian 12 runs where there is no systemd, too.
prepare_podman() {
  command -v podman >/dev/null || skip "podman is not installed"
  cat >"$work/containers.conf" <<END_OF_SETTINGS
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
END_OF_SETTINGS
  export CONTAINERS_CONF=$work/containers.conf
  chmod 755 "$work"
}
