#!/bin/bash
# Installs what the tests need: Debian packages where this is root on a Debian, Python tools into .venv, staticcheck into
# build/tools. Where it may not install, it says what is missing and how to get it, and goes on: the parts that need it
# are then skipped, and say so.
set -eu
cd "$(dirname "$0")/.."

# A command that shows the package is there, and the package.
wanted=(
  "gcc gcc" "g++ g++" "clang clang" "clang-format clang-format" "valgrind valgrind" "pkg-config pkg-config"
  "abidiff abigail-tools" "doxygen doxygen" "cmake cmake" "ninja ninja-build" "openssl openssl" "strace strace" "java openjdk-17-jre-headless" "mvn maven"
)
# For the long tests alone: nginx, since Debian starts it as a service, and what tries the packages of a release.
[ -z "${HOST_LONG:-}" ] || wanted+=("nginx nginx" "debootstrap debootstrap" "lintian lintian" "dpkg-shlibdeps dpkg-dev")
missing=()
for pair in "${wanted[@]}"; do
  PATH=$PATH:/usr/sbin command -v "${pair% *}" >/dev/null 2>&1 || missing+=("${pair#* }")
done
for header in "cjson/cJSON.h libcjson-dev" "nlohmann/json.hpp nlohmann-json3-dev" "doctest/doctest.h doctest-dev" \
  "uv.h libuv1-dev" "glib-2.0/glib.h libglib2.0-dev" "boost/asio.hpp libboost-dev"; do
  [ -e "/usr/include/${header% *}" ] || missing+=("${header#* }")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    # On a machine that has just started, its own updates may hold the lock.
    apt-get install -o DPkg::Lock::Timeout=600 -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "MISSING: ${missing[*]}; on Debian: sudo apt-get install ${missing[*]}" >&2
  fi
fi
command -v go >/dev/null 2>&1 || echo "MISSING: go (1.24 or newer); the Go parts are skipped" >&2

if [ ! -x .venv/bin/python ]; then
  python3 -m venv .venv
fi
if ! cmp -s tests/requirements.txt .venv/requirements.txt; then
  .venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
  cp tests/requirements.txt .venv/requirements.txt
fi

if command -v go >/dev/null 2>&1 && [ ! -x build/tools/staticcheck ]; then
  mkdir -p build/tools
  GOBIN="$PWD/build/tools" go install honnef.co/go/tools/cmd/staticcheck@v0.6.1
fi

# For the long tests alone. Unpacked, not installed: Debian would start it as a service.
if [ -n "${HOST_LONG:-}" ] && [ ! -x build/tools/prometheus/usr/bin/promtool ]; then
  if command -v apt-get >/dev/null 2>&1 && folder=$(mktemp -d) &&
    (cd "$folder" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } >/dev/null 2>&1); then
    mkdir -p build/tools/prometheus
    dpkg-deb -x "$folder"/prometheus_*.deb build/tools/prometheus
    rm -r "$folder"
  else
    echo "MISSING: prometheus and promtool; put them on the PATH" >&2
  fi
fi

# Clients that are tried unchanged behind the command.
if [ ! -x build/clients/python/bin/python ]; then
  python3 -m venv build/clients/python
  build/clients/python/bin/pip install --quiet --disable-pip-version-check nacos-sdk-python==2.0.11
fi
if command -v npm >/dev/null 2>&1 && [ ! -d build/clients/node/node_modules/nacos ]; then
  mkdir -p build/clients/node
  npm install --silent --no-audit --no-fund --prefix build/clients/node nacos@2.6.3
fi
