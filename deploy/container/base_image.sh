# shellcheck shell=bash
# The image that ours is made from. Source it after tools/deps.sh.

readonly BASE=docker.io/library/debian:bookworm-slim
readonly PULL_SECONDS=60

# provide_base FOLDER: has it, from here, else from its registry, else made of the same packages of this system's Debian
# sources, in FOLDER.
provide_base() {
  local folder=$1
  buildah inspect --type image "$BASE" >/dev/null 2>&1 && return 0
  nmq_say "Pulling $BASE"
  timeout "$PULL_SECONDS" buildah pull --quiet "$BASE" >/dev/null 2>&1 && return 0
  nmq_say "It cannot be pulled: making it from this system's Debian sources"
  local log container
  log=$(mktemp)
  mmdebstrap --variant=minbase --include=ca-certificates bookworm "$folder/base.tar" >"$log" 2>&1 ||
    nmq_fail "mmdebstrap cannot make $BASE: $(grep '^E: ' "$log" | head -n 1) (log: $log)"
  rm -f "$log"
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$folder/base.tar" / >/dev/null
  buildah config --cmd bash "$container"
  buildah commit --quiet --rm "$container" "$BASE" >/dev/null
  rm -f "$folder/base.tar"
}
