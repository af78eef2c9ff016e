#!/usr/bin/env bash
# `make install` to other places than PREFIX/lib and PREFIX/include, and to such as have blanks and worse in their names: what is
# installed works from there, by pkg-config and by CMake, and goes away again.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
unset LD_LIBRARY_PATH PKG_CONFIG_PATH MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR LIBDIR INCLUDEDIR
for tool in cc pkg-config cmake; do
  command -v $tool >/dev/null || { skip "places to install to" "no $tool"; finish; exit; }
done

mkdir -p build
work=$(mktemp -d) inside=$(mktemp -d build/layouts.XXXXXX)
trap 'rm -rf "$work" "$inside"' EXIT
project=$work/project
mkdir "$project"
cp tests/packaging/consumer/main.c "$project"
cat >"$project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(consumer C)
find_package(nacos_auth 0.1 REQUIRED)
add_executable(program main.c)
target_link_libraries(program PRIVATE nacos_auth::nacos_auth)
END
start_server --port 0 || true

# Of an archive that is small already: that takes a while, each time.
mkdir "$work/made"
cp "$libdir/libnacos_auth.so" "$work/made"
tools/dist/archive.sh "$libdir/libnacos_auth.a" "$work/made/libnacos_auth.a"
in_make() { make --no-print-directory "$@" LIBRARY="$work/made/libnacos_auth.so"; }

# runs NAME shared|static PROGRAM
runs() {
  local output needed
  needed=$(readelf -d "$3" | sed -n 's/.*(NEEDED).*\[\(libnacos_auth.*\)\]/\1/p')
  if [ "$2" = shared ]; then
    check "$1: asks for the library" [ "$needed" = libnacos_auth.so.1 ]
  else
    check "$1: has the library inside" [ "$needed" = "" ]
  fi
  if [ -z "$server_pid" ]; then skip "$1 runs" "no $devserver"; return; fi
  output=$(timeout 120 "$3" 2>&1)
  if [ "$output" = "200 hello" ]; then pass "$1: runs"; else fail "$1: runs" "$output"; fi
}

# As a Makefile does it: what pkg-config prints is read by a shell.
by_pkg_config() {
  local flags
  flags=$(pkg-config --cflags --libs nacos_auth) &&
    eval "cc '$project/main.c' -o '$work/program' $flags -Wl,-rpath,$(printf %q "$(realpath "$lib")")"
}
by_cmake() { # ON|OFF
  rm -rf "$work/build"
  # By its place, since CMake searches lib64, or Debian's folders, where the system has them.
  cmake -S "$project" -B "$work/build" -Dnacos_auth_DIR="$(realpath "$lib/cmake/nacos_auth")" -DBUILD_SHARED_LIBS="$1" &&
    cmake --build "$work/build" && cp "$work/build/program" "$work/program"
}

# layout NAME WHERE LIB INCLUDE VARIABLE=VALUE…: installed with these variables, everything is below WHERE, the libraries in LIB, the
# headers in INCLUDE, and programs find them there.
layout() {
  local name=$1 where=$2 lib=$3 include=$4 files
  shift 4
  echo "- $name"
  check "$name: install" in_make install "$@" || return
  files=$(find "$lib"/libnacos_auth.* "$lib/pkgconfig/nacos_auth.pc" "$lib/cmake/nacos_auth" "$include"/nacos_auth.* ! -type d 2>&1)
  check "$name: all files are there" [ "$(wc -l <<<"$files")" = 10 ] || return
  export PKG_CONFIG_PATH=$lib/pkgconfig
  # Of quotes and parentheses pkg-config itself prints what no shell can read.
  if [[ $lib != *[\'\(]* ]] && check "$name: pkg-config" by_pkg_config; then
    runs "$name: pkg-config" shared "$work/program"
  fi
  if check "$name: CMake" by_cmake "$linkage"; then
    runs "$name: CMake" "$([ "$linkage" = ON ] && echo shared || echo static)" "$work/program"
  fi
  unset PKG_CONFIG_PATH
  check "$name: uninstall" in_make uninstall "$@"
  check "$name: uninstall leaves no file" [ -z "$(find "$where" "$lib" "$include" ! -type d)" ]
  [ "$linkage" = ON ] && linkage=OFF || linkage=ON
}
linkage=ON # of the programs that CMake builds, in turn

at=$work/1
layout "Debian's folders" "$at" "$at/lib/x86_64-linux-gnu" "$at/include" PREFIX="$at" LIBDIR=lib/x86_64-linux-gnu
at=$work/2
layout "lib64, slashes" "$at" "$at/lib64" "$at/include/nacos" PREFIX="$at//" LIBDIR="/$at//lib64/" INCLUDEDIR=include/nacos/
at="$work/3 three"
layout "a blank" "$at" "$at/lib" "$at/include" PREFIX="$at"
at="$work/4 & [four] #~"
layout "what sed and pkg-config go by" "$at" "$at/lib" "$at/include" PREFIX="$at"
at="$work/it's (4)"
layout "what a shell goes by" "$at" "$at/lib" "$at/include" PREFIX="$at"
layout "a relative prefix" "$inside/a b" "$inside/a b/lib64" "$inside/a b/include" PREFIX="$inside/a b" LIBDIR=lib64
at="$work/5" stage="$work/stage 5"
layout "a stage" "$stage$at" "$stage$at/lib" "$stage$at/include" PREFIX="$at" DESTDIR="$stage"
at="$work/6" stage="$inside/stage 6"
layout "a relative stage" "$stage$at" "$stage$at/lib" "$stage$at/include" PREFIX="$at" DESTDIR="$stage"
at="$work/7 & seven" aside="$work/7 beside & #it"
layout "folders outside of the prefix" "$aside" "$aside/lib" "$aside/include" PREFIX="$at" LIBDIR="$aside/lib" INCLUDEDIR="$aside/include"
at="$work/8"
layout "headers outside of the prefix" "$at" "$at/lib" "$work/8 headers" PREFIX="$at" INCLUDEDIR="$work/8 headers"
layout "from the environment" "$work/9" "$work/9/lib/a" "$work/9/include" LIBDIR=lib/a PREFIX="$work/9"

# refused NAME PATTERN VARIABLE=VALUE…
refused() {
  local name=$1 pattern=$2 output
  shift 2
  if output=$(in_make install "$@" 2>&1); then fail "$name is refused" "it is not"; return; fi
  if grep -q -e "$pattern" <<<"$output"; then pass "$name is refused"; else fail "$name is refused" "$output"; fi
}
refused "a relative prefix in a stage" "PREFIX=usr: has to be absolute" PREFIX=usr DESTDIR="$work/refused"
refused "LIBDIR=../lib" "LIBDIR=../lib: write it without" PREFIX="$work/refused" LIBDIR=../lib
refused "no INCLUDEDIR" "INCLUDEDIR=: has to be" PREFIX="$work/refused" INCLUDEDIR=
check "nothing was installed then" [ ! -e "$work/refused" ]
finish
