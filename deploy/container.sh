#!/usr/bin/env bash
# Makes the container image of nmqd with buildah, installing what is missing.
#
#   deploy/container.sh                      with an nmqd that Bazel builds here: on Debian 12, fast
#   deploy/container.sh --nmqd=FILE          with one that is built already
#   deploy/container.sh --from-source        builds nmqd inside the image's build, too: on any system, slow
#   deploy/container.sh --tag=HOST/NAME:TAG  called so, instead of localhost/nmqd:VERSION
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"
# shellcheck source=deploy/container/base_image.sh
source "$root/deploy/container/base_image.sh"

from_source=false
nmqd=
version=$(sed -nE 's/.*kVersion\[\] = "([^"]+)".*/\1/p' "$root/base/version.h")
tag=localhost/nmqd:$version
for arg in "$@"; do
  case $arg in
    --from-source) from_source=true ;;
    --tag=?*) tag=${arg#--tag=} ;;
    --nmqd=?*) nmqd=${arg#--nmqd=} ;;
    *)
      nmq_say "usage: deploy/container.sh [--from-source | --nmqd=FILE] [--tag=HOST/NAME:TAG]"
      exit 2
      ;;
  esac
done

# What the Dockerfile's build stage would leave, in $work/out.
build_here() {
  local options=(-c opt --show_result=0 --ui_event_filters=-info)
  [[ -t 2 ]] || options+=(--noshow_progress)
  [[ $(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) == bookworm ]] ||
    nmq_fail "the image is Debian 12 and this system is not: its libraries are others; use --from-source"
  nmq_install image
  if [[ -z $nmqd ]]; then
    nmq_say "Building nmqd"
    (cd "$root" && bazel build "${options[@]}" //server:nmqd) || nmq_fail "the build failed; its messages are above"
    nmqd=$(cd "$root" && readlink -f "$(bazel info -c opt bazel-bin 2>/dev/null)")/server/nmqd
  fi
  install -D "$nmqd" "$work/out/nmqd"
  install -t "$work/out" "$root/deploy/container/spdx.sh"
  sh "$root/deploy/container/needed_packages.sh" "$work/out/nmqd" >"$work/out/packages"
  sh "$root/deploy/container/linked_packages.sh" "$work/out/nmqd" >"$work/out/linked"
}

build_image() {
  local options=(--isolation chroot --format docker --build-arg "VERSION=$version" --tag "$tag") context=$root
  if git -C "$root" rev-parse HEAD >/dev/null 2>&1; then
    options+=(--build-arg "REVISION=$(git -C "$root" rev-parse HEAD)")
    options+=(--build-arg "CREATED=$(TZ=UTC git -C "$root" log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)")
  fi
  if ! $from_source; then
    options+=(--build-context "build=$work")
    context=$root/deploy/container
  fi
  nmq_say "Building the image $tag"
  buildah bud --quiet "${options[@]}" --file "$root/deploy/Dockerfile" "$context" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    nmq_fail "the image's build failed; the end of its messages is above"
  }
}

work=$(mktemp -d "${TMPDIR:-/tmp}/nmq-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
if $from_source; then
  nmq_install_packages "${NMQ_PACKAGES_IMAGE[@]}"
else
  build_here
fi
provide_base "$work"
build_image
nmq_say "The image: $tag"
