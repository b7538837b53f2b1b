#!/bin/sh
# linked_packages.sh BINARY: prints the Debian packages of which BINARY holds code itself, a line each of name, version,
# architecture and source package, with tabs between them; nothing for one that takes them from shared libraries.
set -eu

# What third_party/system links so.
archives="libgrpc++.a libgrpc.a libprotobuf.a libabsl_base.a libre2.a"

if ldd "$1" | grep -q libgrpc; then exit 0; fi
# shellcheck disable=SC2016 # that is for dpkg-query
for archive in $archives; do
  dpkg-query -S "/usr/lib/*/$archive" | cut -d : -f 1
done | LC_ALL=C sort -u | xargs dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\n'
