#!/bin/bash
# Installs what the benchmarks need where this is root on a Debian; elsewhere says what is missing and fails.
set -eu
missing=()
for pair in "cc gcc" "nginx nginx-light" "wrk wrk" "openssl openssl" "strace strace" "valgrind valgrind" "pkg-config pkg-config"; do
  PATH=$PATH:/usr/sbin command -v "${pair% *}" >/dev/null 2>&1 || missing+=("${pair#* }")
done
pkg-config --exists libcurl 2>/dev/null || missing+=(libcurl4-openssl-dev)
[ "${#missing[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "MISSING: ${missing[*]}; on Debian: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
