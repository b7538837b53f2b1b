# shellcheck shell=bash
# Installs what this project needs and the machine lacks. Source it; it prints nothing when nothing is missing.
#
#   nmq_install build    what compiling and running nmqd and nmq takes
#   nmq_install check    that, and what tests/run.sh takes

# The one list of Debian packages. "command:package" counts as there when the command is, wherever it came from.
NMQ_PACKAGES_BUILD=(
  bazel-bootstrap bazel-rules-java build-essential
  protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libboost-dev libcli11-dev libgoogle-glog-dev libgrpc++-dev libmimalloc-dev libprotobuf-dev
  libsqlite3-dev
)
NMQ_PACKAGES_CHECK=(
  libbenchmark-dev libgmock-dev libgtest-dev
  libhiredis-dev libnats-dev nats-server redis-server
  clang clang-format libclang-rt-dev lld llvm shellcheck:shellcheck
  node:nodejs npm:npm
)

nmq_say() { printf '%s\n' "$*" >&2; }

nmq_fail() {
  nmq_say "error: $*"
  exit 1
}

# Runs a command as root.
nmq_as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

# Prints those of the given packages that are not installed.
nmq_missing() {
  local spec status
  for spec in "$@"; do
    if [[ $spec == *:* ]] && command -v "${spec%%:*}" >/dev/null; then continue; fi
    status=$(dpkg-query -W -f '${db:Status-Status}' "${spec#*:}" 2>/dev/null) || status=
    [[ $status =~ ^(installed)+$ ]] || printf '%s\n' "${spec#*:}"
  done
}

nmq_install_packages() {
  local missing log package
  command -v dpkg-query >/dev/null || nmq_fail "this is not a Debian system: install by hand: $*"
  mapfile -t missing < <(nmq_missing "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0

  if [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
    nmq_fail "run as root, or install sudo: cannot install ${missing[*]}"
  fi
  log=$(mktemp)
  nmq_say "Installing ${missing[*]}"
  nmq_as_root apt-get update >"$log" 2>&1 || nmq_say "warning: apt-get update failed; trying with the lists at hand"
  if ! nmq_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    "${missing[@]}" >>"$log" 2>&1; then
    for package in "${missing[@]}"; do
      apt-cache show "$package" >/dev/null 2>&1 ||
        nmq_fail "no package $package in this system's apt sources (Debian 12 has it)"
    done
    nmq_fail "apt-get could not install ${missing[*]}: $(grep '^E: ' "$log" | head -n 1) (log: $log)"
  fi
  rm -f "$log"
}

# npm's packages of tools/package-lock.json; anew when the lock file is another.
nmq_install_node_tools() {
  local tools stamp log
  tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  stamp=$tools/node_modules/.installed-package-lock.json
  cmp -s "$tools/package-lock.json" "$stamp" && return 0
  log=$(mktemp)
  nmq_say "Installing @bufbuild/buf and @bazel/buildifier in tools/node_modules"
  (cd "$tools" && npm ci >"$log" 2>&1) ||
    nmq_fail "npm could not install @bufbuild/buf and @bazel/buildifier: $(grep -i 'error' "$log" | head -n 1) (log: $log)"
  cp "$tools/package-lock.json" "$stamp"
  rm -f "$log"
}

nmq_install() {
  case $1 in
    build) nmq_install_packages "${NMQ_PACKAGES_BUILD[@]}" ;;
    check)
      nmq_install_packages "${NMQ_PACKAGES_BUILD[@]}" "${NMQ_PACKAGES_CHECK[@]}"
      nmq_install_node_tools
      ;;
    *) nmq_fail "nmq_install: build or check, not $1" ;;
  esac
}
