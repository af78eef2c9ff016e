#!/bin/sh
# Builds the shim of C++ from the installation that `make prefix` makes: build.sh OUTPUT. Needs nlohmann-json3-dev.
set -eu
cd "$(dirname "$0")"
prefix=$(cd ../../.. && pwd)/build/prefix
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
# shellcheck disable=SC2046 # options are words
c++ -std=c++17 -g -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags nacos_auth nlohmann_json) \
  main.cpp grammar.cpp operations.cpp tally.cpp -o "$1" \
  $(pkg-config --libs nacos_auth) -Wl,-rpath,"$prefix/lib" -lpthread
