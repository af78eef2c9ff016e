# shellcheck shell=bash disable=SC2154 # work comes from those who source it
# Sourced: build PROGRAM SOURCE… makes $work/PROGRAM of sources in benches/c, linked with the library in
# NACOS_AUTH_LIBDIR (default target/release) and compiled with the headers in NACOS_AUTH_INCLUDE (default include).
libdir=$(realpath "${NACOS_AUTH_LIBDIR:-target/release}")
include=$(realpath "${NACOS_AUTH_INCLUDE:-include}")

build() {
  local curl=()
  [ "$1" != requests ] || read -r -a curl <<<"$(pkg-config --cflags --libs libcurl)"
  cc -std=gnu11 -O2 -Wall -Wextra -Wconversion -Werror "-I$include" -o "$work/$1" "${@:2}" \
    "-L$libdir" "-Wl,-rpath,$libdir" -lnacos_auth -lpthread -ldl "${curl[@]}"
}
