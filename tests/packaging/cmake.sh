#!/usr/bin/env bash
# The sources inside a project of somebody else's: by add_subdirectory and FetchContent, with a library that is there already and
# with cargo (a script in its place, as the real one takes minutes); and CMake's own installation. CMAKE: another cmake.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
unset LD_LIBRARY_PATH MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR LIBDIR INCLUDEDIR CMAKE_GENERATOR NACOS_AUTH_PREBUILT_DIR
cmake=${CMAKE:-cmake}
for tool in cc c++ "$cmake"; do
  command -v "$tool" >/dev/null || { skip "CMake" "no $tool"; finish; exit; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A checkout, with a blank in its name.
source="$work/the sources"
mkdir "$source"
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git ls-files -z --cached --others --exclude-standard -- ':!tests' ':!demo' ':!bindings' ':!docs/img' |
    tar -c --null --files-from=- --ignore-failed-read 2>/dev/null | tar -x -C "$source"
else
  tar -c --exclude=./target --exclude=./build --exclude=./.venv --exclude=./tests . | tar -x -C "$source"
fi
start_server --port 0 || true

# A cargo that says that it is called, and copies what the real one has made. As a user's, it comes first on the PATH.
mkdir "$work/bin"
cat >"$work/bin/cargo" <<END
#!/bin/sh
if [ "\$1" = version ]; then printf 'cargo x\nrelease: %s\nhost: x86_64-test\n' "\${CARGO_RELEASE:-1.99.0}"; exit; fi
echo "\$*" >>"$work/calls"
while [ "\$1" != --target-dir ]; do shift; done
mkdir -p "\$2/x86_64-test/release"
cp "$libdir/libnacos_auth.so" "$libdir/libnacos_auth.a" "\$2/x86_64-test/release"
END
chmod +x "$work/bin/cargo"
touch "$work/calls"
calls() { [ "$(grep -c build "$work/calls")" = "$1" ]; }

configure() { # OPTION…
  rm -rf "$work/build"
  PATH="$work/bin:$PATH" "$cmake" -S tests/packaging/embedding -B "$work/build" -DSOURCE="$source" -DCONSUMER="$PWD/tests/packaging/consumer" "$@"
}
build() { PATH="$work/bin:$PATH" "$cmake" --build "$work/build" "$@"; }

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
# embedded NAME shared|static OPTION…
embedded() {
  local name=$1 kind=$2 program=$work/build/program
  shift 2
  check "$name: configures" configure "$@" || return
  check "$name: builds" build || return
  [ -e "$program" ] || program=$work/build/Debug/program
  runs "$name" "$kind" "$program"
}
prebuilt=-DNACOS_AUTH_PREBUILT_DIR=$libdir

embedded "a library that is there, C++14" static "$prebuilt" -DCMAKE_CXX_STANDARD=14 # nacos_auth.hpp raises it
embedded "C" shared "$prebuilt" -DLANGUAGE=C -DBUILD_SHARED_LIBS=ON
if command -v ninja >/dev/null; then
  if ! "$cmake" --help | grep -q "Ninja Multi-Config"; then
    skip "Ninja Multi-Config" "CMake does not have it yet"
  else
    embedded "Ninja Multi-Config" shared "$prebuilt" "-DLANGUAGE=C;CXX" -DBUILD_SHARED_LIBS=ON -G "Ninja Multi-Config"
  fi
  generators=("Unix Makefiles" Ninja)
else
  skip "Ninja" "not installed"
  generators=("Unix Makefiles")
fi
check "no cargo was called for it" calls 0

for generator in "${generators[@]}"; do
  : >"$work/calls"
  if check "$generator: not used: configures" configure -G "$generator" -DLANGUAGE=C -DUSED=OFF; then
    check "$generator: not used: builds" build
    check "$generator: not used: is not built" calls 0
  fi
  embedded "$generator: cargo" shared -G "$generator" -DLANGUAGE=C -DBUILD_SHARED_LIBS=ON
  check "$generator: is built once" calls 1
  check "$generator: builds again" build
  check "$generator: nothing is built again" calls 1
  touch "$source/src/lib.rs"
  check "$generator: builds a change" build
  check "$generator: a change is built" calls 2
done
check "cargo builds what make build does, and what Cargo.lock says" grep -q -e "build --release --locked .*--features wiping" "$work/calls"

tar -C "$work" -czf "$work/sources.tar.gz" "the sources"
embedded "FetchContent" static "$prebuilt" -DHOW=FetchContent -DLANGUAGE=C "-DFROM=URL;file://$work/sources.tar.gz"

# refused NAME PATTERN OPTION…
refused() {
  local name=$1 pattern=$2 output
  shift 2
  if output=$(configure -DLANGUAGE=C "$@" 2>&1); then fail "$name is refused" "it is not"; return; fi
  # CMake breaks lines.
  if tr -s ' \n' ' ' <<<"$output" | grep -q -e "$pattern"; then pass "$name is refused"; else fail "$name is refused" "$output"; fi
}
refused "an empty folder" "there is no $work/bin/libnacos_auth.a: NACOS_AUTH_PREBUILT_DIR has to be" -DNACOS_AUTH_PREBUILT_DIR="$work/bin"
HOME=/nowhere CARGO_HOME=/nowhere refused "no cargo" "cargo was not found: install Rust" -DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF \
  -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_MAKE_PROGRAM="$(command -v make)" -DCMAKE_C_COMPILER="$(command -v cc)"
CARGO_RELEASE=1.60.0 refused "an old Rust" "needs Rust 1.[0-9]*, and $work/bin/cargo is 1.60.0"
refused "another machine" "does not build for another machine (aarch64) by itself; build the library" \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
refused "another system" "builds for Linux only, not for Generic" -DCMAKE_SYSTEM_NAME=Generic -DCMAKE_C_COMPILER_WORKS=1
check "another machine, with a library for it" configure "$prebuilt" -DLANGUAGE=C -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64

# Its own installation is that of make.
own() { PATH="$work/bin:$PATH" "$cmake" -S "$source" -B "$work/own" "$@"; }
if check "on its own" own -DCMAKE_INSTALL_LIBDIR=lib/x86_64-linux-gnu; then
  check "on its own: builds" env PATH="$work/bin:$PATH" "$cmake" --build "$work/own"
  check "on its own: installs" "$cmake" --install "$work/own" --prefix "$work/by cmake"
  check "make installs" make --no-print-directory install PREFIX="$work/by make" LIBDIR=lib/x86_64-linux-gnu LIBRARY="$libdir/libnacos_auth.so"
  check "both install the same" diff -r "$work/by cmake" "$work/by make"
  embedded "what CMake installed" shared -DHOW=find_package -DBUILD_SHARED_LIBS=ON -DCMAKE_PREFIX_PATH="$work/by cmake"
  check "on its own, absolute folders" own -DCMAKE_INSTALL_PREFIX="$work/a" -DCMAKE_INSTALL_LIBDIR="$work/b & c/lib" -DCMAKE_INSTALL_INCLUDEDIR="$work/b & c/include"
  check "make installs" make --no-print-directory install PREFIX="$work/a" LIBDIR="$work/b & c/lib" INCLUDEDIR="$work/b & c/include" LIBRARY="$libdir/libnacos_auth.so"
  check "both write the same .pc" diff "$work/own/lib/nacos_auth.pc" "$work/b & c/lib/pkgconfig/nacos_auth.pc"
  check "both write the same package" diff "$work/own/lib/nacos_authConfig.cmake" "$work/b & c/lib/cmake/nacos_auth/nacos_authConfig.cmake"
fi
finish
