#!/usr/bin/env bash
# What cargo-c builds and installs, by `cargo cinstall`, where that is installed (`cargo install cargo-c` takes a quarter of an hour):
# the names, the versions and the programs are those of `make install`. Takes minutes.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
unset LD_LIBRARY_PATH PKG_CONFIG_PATH
command -v cargo-cinstall >/dev/null || { skip "cargo-c" "not installed"; finish; exit; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
check "cargo cinstall" cargo cinstall --locked --prefix "$prefix" --libdir lib || { finish; exit 1; }
check "the headers" eval "cmp include/nacos_auth.h '$prefix/include/nacos_auth.h' && cmp include/nacos_auth.hpp '$prefix/include/nacos_auth.hpp'"
check "SONAME is libnacos_auth.so.1" grep -q '(SONAME).*\[libnacos_auth.so.1\]' <<<"$(readelf -dW "$prefix/lib/libnacos_auth.so")"
check "the functions have their version" grep -q ' nacos_auth_init@@NACOS_AUTH_1$' <<<"$(readelf --dyn-syms -W "$prefix/lib/libnacos_auth.so")"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
check "pkg-config knows the version" [ "$(pkg-config --modversion nacos_auth)" = "$version" ]
start_server --port 0 || true
# built NAME OPTION…
built() {
  check "$1: builds" eval "cc tests/packaging/consumer/main.c -o '$work/program' ${*:2}" || return
  if [ -z "$server_pid" ]; then skip "$1: runs" "no $devserver"; return; fi
  check "$1: runs" [ "$(LD_LIBRARY_PATH=$prefix/lib timeout 60 "$work/program" 2>&1)" = "200 hello" ]
}
built "shared" "$(pkg-config --cflags --libs nacos_auth)"
# It names the compiler's shared library, which a program that is static as a whole has not.
built "static" -static "$(pkg-config --static --cflags --libs nacos_auth | sed 's/-lgcc_s/-lgcc_eh/')"
finish
