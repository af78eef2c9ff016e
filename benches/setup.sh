#!/bin/bash
# Installs what benchmarks need, where this is root on a Debian; elsewhere says what is missing and fails:
# setup.sh [cc|nginx|curl|strace|valgrind|wrk|venv]…
# The venv with what Python is compared with is build/bench/venv.
set -eu
cd "$(dirname "$0")/.."
missing=()
for tool in "$@"; do
  case $tool in
    cc) command -v cc >/dev/null || missing+=(gcc) ;;
    nginx)
      PATH=$PATH:/usr/sbin command -v nginx >/dev/null || missing+=(nginx-light)
      command -v openssl >/dev/null || missing+=(openssl)
      ;;
    curl) pkg-config --exists libcurl 2>/dev/null || missing+=(pkg-config libcurl4-openssl-dev) ;;
    venv) python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv) ;;
    *) command -v "$tool" >/dev/null || missing+=("$tool") ;;
  esac
done
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "MISSING: ${missing[*]}; on Debian: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

venv=build/bench/venv
case " $* " in
  *" venv "*)
    [ -x $venv/bin/python ] || python3 -m venv $venv
    if ! cmp -s benches/requirements.txt $venv/requirements.txt; then
      $venv/bin/pip install --quiet --disable-pip-version-check -r benches/requirements.txt
      cp benches/requirements.txt $venv/
    fi
    ;;
esac
