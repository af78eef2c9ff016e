#!/bin/sh
# Builds the shim of C from the installation that `make prefix` makes: build.sh OUTPUT [CALLS]. Needs libcjson-dev.
set -eu
cd "$(dirname "$0")"
prefix=$(cd ../../.. && pwd)/build/prefix
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
# shellcheck disable=SC2046 # options are words
cc -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags nacos_auth libcjson) \
  main.c grammar.c operations.c tally.c "${2:-calls.c}" -o "$1" \
  $(pkg-config --libs nacos_auth libcjson) -Wl,-rpath,"$prefix/lib" -lpthread -lm
