#!/usr/bin/env bash
# Makes Debian packages, installing what is missing: nmq_VERSION_ARCH.deb, the server and the command line, and
# libnmq-dev_VERSION_ARCH.deb, the library for C++.
#
#   deploy/package.sh                 in the present folder, of what Bazel builds here
#   deploy/package.sh --bin=FOLDER    of what is built already, laid out as bazel-bin is
#   deploy/package.sh --out=FOLDER    somewhere else
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/deps.sh
source "$root/tools/deps.sh"

readonly HERE=$root/deploy/package
readonly TARGETS=(//server:nmqd //client/cli:nmq //deploy/package:command_tree //client/cpp:nmq)
MAINTAINER=${NMQ_MAINTAINER:-The nmq authors <maintainers@nmq.invalid>}
readonly MAINTAINER
version=$(sed -nE 's/.*kVersion\[\] = "([^"]+)".*/\1/p' "$root/base/version.h")
bin=
out=$PWD
for arg in "$@"; do
  case $arg in
    --bin=?*) bin=${arg#--bin=} ;;
    --out=?*) out=${arg#--out=} ;;
    *)
      nmq_say "usage: deploy/package.sh [--bin=FOLDER] [--out=FOLDER]"
      exit 2
      ;;
  esac
done

# The time of the last commit, so that the same sources make the same package.
when() {
  if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
    SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)
  fi
  export SOURCE_DATE_EPOCH
}

build() {
  local options=(-c opt --show_result=0 --ui_event_filters=-info)
  [[ -t 2 ]] || options+=(--noshow_progress)
  nmq_install build
  nmq_say "Building nmqd, nmq and the library"
  (cd "$root" && bazel build "${options[@]}" "${TARGETS[@]}") || nmq_fail "the build failed; its messages are above"
  bin=$(cd "$root" && readlink -f "$(bazel info -c opt bazel-bin 2>/dev/null)")
}

# put MODE FILE PATH: a file of the package.
put() { install -D -m "$1" "$2" "$tree$3"; }

# put_compressed FILE PATH: the same, as Debian wants its pages.
put_compressed() {
  install -d "$(dirname "$tree$2")"
  gzip -9n <"$1" >"$tree$2.gz"
  chmod 644 "$tree$2.gz"
}

# documents PACKAGE: what every package has.
documents() {
  local date
  date=$(date --utc --date="@$SOURCE_DATE_EPOCH" --rfc-email)
  printf '%s (%s) stable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' \
    nmq "$version" "$version" "$MAINTAINER" "$date" >"$work/changelog"
  {
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: nmq\n\nFiles: *\n'
    printf 'Copyright: %s\nLicense: Expat\n' "$(sed -n 's/^Copyright (c) //p' "$root/LICENSE")"
    sed '1,/^Copyright/d; s/^$/./; s/^/ /' "$root/LICENSE" | sed '1d'
  } >"$work/copyright"
  put_compressed "$work/changelog" "/usr/share/doc/$1/changelog"
  put 644 "$work/copyright" "/usr/share/doc/$1/copyright"
}

# The packages with the libraries that binaries link, with the versions that they need.
library_packages() {
  mkdir -p "$work/debian"
  printf 'Source: nmq\n\nPackage: nmq\nArchitecture: any\n' >"$work/debian/control"
  (cd "$work" && dpkg-shlibdeps -O "$@" 2>"$work/shlibdeps") | sed 's/^shlibs:Depends=//' ||
    nmq_fail "dpkg-shlibdeps: $(cat "$work/shlibdeps")"
}

# The field for the source packages of which a binary holds code; nothing if there are none.
built_using() {
  # shellcheck disable=SC2016 # that is for dpkg-query
  sh "$root/deploy/container/linked_packages.sh" "$1" | cut -f 1 |
    xargs -r dpkg-query -W -f '${source:Package} (= ${source:Version})\n' | LC_ALL=C sort -u |
    paste -s -d , | sed 's/,/, /g; s/^./Built-Using: &/'
}

# pack PACKAGE SECTION: $tree and what is left of its control file, which comes from standard input.
pack() {
  local package=$1 section=$2 file
  install -d "$tree/DEBIAN"
  {
    printf 'Package: %s\nSource: nmq\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nSection: %s\nPriority: optional\n' \
      "$package" "$version" "$architecture" "$MAINTAINER" "$section"
    printf 'Installed-Size: %s\n' "$(du -k -s --exclude=DEBIAN "$tree" | cut -f 1)"
    sed '/^$/d'
  } >"$tree/DEBIAN/control"
  (cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' md5sum >DEBIAN/md5sums)
  find "$tree" -type d -exec chmod 755 {} +
  file=$out/${package}_${version}_$architecture.deb
  dpkg-deb --root-owner-group -Zxz --build "$tree" "$file" >/dev/null
  nmq_say "$file"
}

put_pages() {
  local page=$work/pages
  "$bin/deploy/package/command_tree" >"$work/tree.json"
  "$HERE/pages.py" --tree="$work/tree.json" --nmqd="$bin/server/nmqd" --version="$version" "$page"
  put_compressed "$page/nmqd.8" /usr/share/man/man8/nmqd.8
  put_compressed "$page/nmq.1" /usr/share/man/man1/nmq.1
  local program
  for program in nmqd nmq; do
    put 644 "$page/bash/$program" "/usr/share/bash-completion/completions/$program"
    put 644 "$page/zsh/_$program" "/usr/share/zsh/vendor-completions/_$program"
    put 644 "$page/fish/$program.fish" "/usr/share/fish/vendor_completions.d/$program.fish"
  done
}

package_nmq() {
  local name
  tree=$work/nmq
  put 755 "$bin/server/nmqd" /usr/bin/nmqd
  put 755 "$bin/client/cli/nmq" /usr/bin/nmq
  chmod u+w "$tree/usr/bin/nmqd" "$tree/usr/bin/nmq"
  strip --remove-section=.comment --remove-section=.note "$tree/usr/bin/nmqd" "$tree/usr/bin/nmq"
  put 644 "$HERE/nmq/nmqd.service" /lib/systemd/system/nmqd.service
  put 644 "$HERE/nmq/nmq.textproto" /etc/nmq/nmq.textproto
  put 644 "$HERE/nmq/default" /etc/default/nmq
  install -d "$tree/var/lib/nmq" "$tree/DEBIAN"
  put_pages
  documents nmq
  printf '/etc/nmq/nmq.textproto\n/etc/default/nmq\n' >"$tree/DEBIAN/conffiles"
  for name in postinst prerm postrm; do put 755 "$HERE/nmq/$name" "/DEBIAN/$name"; done
  pack nmq net <<DESCRIPTION
Depends: $(library_packages "$tree/usr/bin/nmqd" "$tree/usr/bin/nmq"), adduser, init-system-helpers (>= 1.54)
$(built_using "$tree/usr/bin/nmqd")
Description: message server with namespaces, rooms and queues over gRPC
 nmqd carries messages between services: they publish what happened, others
 hear it at once, in the rooms that they are in, and queues keep on disk what
 must not be lost. Whoever asks sees who is connected and listens to what.
 .
 This package has the server nmqd as a service, and the command line nmq.
DESCRIPTION
}

# The headers that a program includes, and those that they include themselves, below /usr/include/nmq as below $root.
put_headers() {
  local roots=("$root" "$bin/proto" "$bin/third_party/googleapis") options=() from header
  for from in "${roots[@]}"; do options+=(-isystem "$from"); done
  for header in client/cpp/{client,status}.h google/rpc/error_details.pb.h nmq/v1/{admin,message_queue,registry}.grpc.pb.h; do
    printf '#include "%s"\n' "$header"
  done >"$work/includes.cc"
  g++ -std=c++20 "${options[@]}" -M "$work/includes.cc" | tr -d '\134' | tr ' ' '\n' | LC_ALL=C sort -u >"$work/headers"
  for from in "${roots[@]:1}" "$root"; do
    sed -n "s|^$from/||p" "$work/headers" | while read -r header; do
      [[ $header == bazel-* ]] || put 644 "$from/$header" "/usr/include/nmq/$header"
    done
  done
}

# put_filled FILE PATH: a template.
put_filled() {
  sed -e "s|@VERSION@|$version|; s|@MINOR@|${version%.*}|; s|@MULTIARCH@|$multiarch|" "$HERE/libnmq-dev/$1" >"$work/filled"
  put 644 "$work/filled" "$2"
}

package_libnmq_dev() {
  local proto
  multiarch=$(dpkg-architecture -q DEB_HOST_MULTIARCH)
  tree=$work/libnmq-dev
  put 644 "$bin/client/cpp/libnmq.a" "/usr/lib/$multiarch/libnmq.a"
  strip --strip-debug --enable-deterministic-archives --remove-section=.comment "$tree/usr/lib/$multiarch/libnmq.a"
  put_headers
  for proto in "$root"/proto/nmq/v1/*.proto; do put 644 "$proto" "/usr/include/nmq/nmq/v1/$(basename "$proto")"; done
  for proto in error_details status; do
    put 644 "$root/third_party/googleapis/google/rpc/$proto.proto" "/usr/include/nmq/google/rpc/$proto.proto"
  done
  put_filled nmq.pc.in "/usr/lib/$multiarch/pkgconfig/nmq.pc"
  put_filled nmqConfig.cmake.in "/usr/lib/$multiarch/cmake/nmq/nmqConfig.cmake"
  put_filled nmqConfigVersion.cmake.in "/usr/lib/$multiarch/cmake/nmq/nmqConfigVersion.cmake"
  documents libnmq-dev
  pack libnmq-dev libdevel <<DESCRIPTION
Depends: libabsl-dev, libgrpc++-dev, libprotobuf-dev
Suggests: nmq (= $version)
Description: message server with namespaces, rooms and queues - C++ library
 nmqd carries messages between services: they publish what happened, others
 hear it at once, in the rooms that they are in, and queues keep on disk what
 must not be lost.
 .
 This package has the client library for C++, static, with its headers, the
 protocol's .proto files, and what CMake and pkg-config want to know of it.
DESCRIPTION
}

work=$(mktemp -d "${TMPDIR:-/tmp}/nmq-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
umask 022
[[ $(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) == bookworm ]] ||
  nmq_fail "the packages are for Debian 12 and this system is not: its libraries are others"
architecture=$(dpkg --print-architecture)
when
[[ -n $bin ]] || build
mkdir -p "$out"
package_nmq
package_libnmq_dev
