# shellcheck shell=bash disable=SC2154 # work comes from those who source it
# Sourced. build PROGRAM SOURCE… makes $work/PROGRAM of sources in benches/c, build_go makes $work/go, both linked with the
# library in NACOS_AUTH_LIBDIR (default target/release) and compiled with the headers in NACOS_AUTH_INCLUDE (default include).
libdir=$(realpath "${NACOS_AUTH_LIBDIR:-target/release}")
include=$(realpath "${NACOS_AUTH_INCLUDE:-include}")

build() {
  local curl=()
  [ "$1" != rounds ] || read -r -a curl <<<"$(pkg-config --cflags --libs libcurl)"
  cc -std=gnu11 -O2 -Wall -Wextra -Wconversion -Werror "-I$include" -o "$work/$1" "${@:2}" \
    "-L$libdir" "-Wl,-rpath,$libdir" -lnacos_auth -lpthread -ldl "${curl[@]}"
}

build_go() {
  command -v go >/dev/null || {
    echo "no go: its rows are missing" >&2
    return 0
  }
  printf 'Name: nacos_auth\nDescription: the build that is measured\nVersion: 0\nCflags: -I%s\nLibs: -L%s -lnacos_auth\n' \
    "$include" "$libdir" >"$work/nacos_auth.pc"
  (cd benches/go && PKG_CONFIG_PATH=$work CGO_LDFLAGS="-Wl,-rpath,$libdir" go build -tags nacos_auth_dynamic -o "$work/go" .)
}
