#!/usr/bin/env bash
# checksums.sh OUT: OUT/SHA256SUMS, for `sha256sum -c SHA256SUMS`.
set -eu
cd "$1"
# shellcheck disable=SC2094 # it is left out
find . -type f ! -name SHA256SUMS -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS
