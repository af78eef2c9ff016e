#!/usr/bin/env bash
# cmake.sh DIST [PART…]: what C and C++ projects do with DIST besides installing it, outside the checkout: package (find_package in
# the unpacked binary tarball), sources (FetchContent and add_subdirectory with the source tarball), conan, vcpkg, cargo (the
# library built by it, without network; takes minutes). Without parts all of them. Conan is taken from CONAN, the PATH, or PyPI;
# vcpkg is there if VCPKG_ROOT is the checkout of it.
dist=$(realpath "$1")
shift
parts=" ${*:-package sources conan vcpkg cargo} "
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
unset LD_LIBRARY_PATH PKG_CONFIG_PATH CARGO_TARGET_DIR RUSTFLAGS CFLAGS MAKEFLAGS MFLAGS MAKELEVEL CMAKE_GENERATOR
wanted() { [[ $parts = *" $1 "* ]]; }
command -v cmake >/dev/null || { skip "cmake" "not installed"; finish; exit; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
sources=$dist/nacos-auth-$version-source.tar.gz
cp -r tests/packaging/consumer "$work/project"
mkdir "$work/some where"
prefix="$work/some where/nacos-auth-$version-linux-$(uname -m)"
check "package: unpacks" tar -C "$work/some where" -xzf "$dist/nacos-auth-$version-linux-$(uname -m).tar.gz" || { finish; exit 1; }
start_server --port 0 || true

# project HOW…: a project of C and C++ that gets the library by these lines, and links with nacos_auth::nacos_auth.
project() {
  rm -rf "$work/project/build"
  {
    printf '%s\n' "cmake_minimum_required(VERSION 3.16)" "project(consumer C CXX)" "$@"
    printf '%s\n' "add_executable(c main.c)" "target_link_libraries(c PRIVATE nacos_auth::nacos_auth)" \
      "add_executable(cpp main.cpp)" "target_link_libraries(cpp PRIVATE nacos_auth::nacos_auth)"
  } >"$work/project/CMakeLists.txt"
}
# builds NAME shared|static OPTION…: both programs, each of which gets an answer.
builds() {
  local name=$1 kind=$2 program needed output
  shift 2
  [ "$kind" = static ] || set -- "$@" -DBUILD_SHARED_LIBS=ON
  check "$name, $kind: configures" cmake -S "$work/project" -B "$work/project/build" "$@" || return
  check "$name, $kind: builds" cmake --build "$work/project/build" || return
  for program in c cpp; do
    program=$work/project/build/$program
    needed=$(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(libnacos_auth.*\)\]/\1/p')
    check "$name, $kind: ${program##*/} has the library where it should" \
      [ "$needed" = "$([ "$kind" = static ] || echo libnacos_auth.so.1)" ]
    if [ -z "$server_pid" ]; then skip "$name, $kind: ${program##*/} runs" "no $devserver"; continue; fi
    output=$(timeout 120 "$program" 2>&1)
    if [ "$output" = "200 hello" ]; then pass "$name, $kind: ${program##*/} runs"; else fail "$name, $kind: ${program##*/} runs" "$output"; fi
  done
}
prebuilt=-DNACOS_AUTH_PREBUILT_DIR=$prefix/lib
fetch=("include(FetchContent)" "FetchContent_Declare(nacos_auth URL file://$sources)" "FetchContent_MakeAvailable(nacos_auth)")

if wanted package; then
  for kind in shared static; do
    project "find_package(nacos_auth $version EXACT REQUIRED)"
    builds "package: find_package" $kind -DCMAKE_PREFIX_PATH="$prefix"
  done
fi

if wanted sources; then
  tar -C "$work/some where" -xzf "$sources"
  for kind in shared static; do
    project "${fetch[@]}"
    builds "sources: FetchContent" $kind "$prebuilt"
    project "add_subdirectory(\"$work/some where/nacos-auth-$version-source\" nacos_auth)"
    builds "sources: add_subdirectory" $kind "$prebuilt"
  done
  git init -q "$work/repository"
  cp -r "$work/some where/nacos-auth-$version-source/." "$work/repository"
  rm -rf "$work/repository/vendor"
  git -C "$work/repository" add .
  git -C "$work/repository" -c user.name=test -c user.email=test@localhost commit -qm "a release"
  git -C "$work/repository" tag "v$version"
  project "include(FetchContent)" "FetchContent_Declare(nacos_auth GIT_REPOSITORY file://$work/repository GIT_TAG v$version)" \
    "FetchContent_MakeAvailable(nacos_auth)"
  builds "sources: FetchContent, git" static "$prebuilt"
fi

if wanted conan; then
  conan=${CONAN:-$(command -v conan || echo build/dist-tools/conan/bin/conan)}
  if [ ! -x "$conan" ]; then
    { python3 -m venv build/dist-tools/conan && build/dist-tools/conan/bin/pip install --quiet --disable-pip-version-check conan==2.34.0; } >/dev/null 2>&1
  fi
  if [ ! -x "$conan" ]; then
    skip "conan: create" "no conan"
  else
    conan=$(realpath "$conan")
    export CONAN_HOME=$work/conan-home
    cp -r "$dist/conan" "$work/conan"
    sed -i "s|url: .*|url: \"file://$sources\"|" "$work/conan/conandata.yml"
    check "conan: create: a profile" "$conan" profile detect
    check "conan: create: no network" "$conan" remote disable '*'
    for shared in False True; do
      check "conan: create, shared=$shared: builds, and the programs of its test run" "$conan" create "$work/conan" --version "$version" \
        -o "nacos-auth/*:shared=$shared" -c "tools.cmake.cmaketoolchain:extra_variables={'NACOS_AUTH_PREBUILT_DIR': '$prefix/lib'}"
    done
    printf '[requires]\nnacos-auth/%s\n[generators]\nCMakeDeps\nCMakeToolchain\n' "$version" >"$work/project/conanfile.txt"
    for kind in shared static; do
      project "find_package(nacos_auth REQUIRED)"
      check "conan: install, $kind: finds it" "$conan" install "$work/project" --output-folder "$work/project/build" \
        -o "nacos-auth/*:shared=$([ $kind = shared ] && echo True || echo False)"
      builds "conan: install" $kind -DCMAKE_TOOLCHAIN_FILE="$work/project/build/conan_toolchain.cmake" -DCMAKE_BUILD_TYPE=Release
    done
  fi
fi

if wanted vcpkg; then
  if [ ! -x "${VCPKG_ROOT:-}/vcpkg" ]; then
    skip "vcpkg: install" "no vcpkg: VCPKG_ROOT is not set, or has no vcpkg in it"
  else
    # What the port would download is there already. The triplets: the usual ones, with the library that has been built.
    mkdir -p "$work/vcpkg/downloads" "$work/vcpkg/triplets"
    cp "$sources" "$work/vcpkg/downloads"
    for kind in static dynamic; do
      printf 'set(%s)\n' "VCPKG_TARGET_ARCHITECTURE x64" "VCPKG_CRT_LINKAGE dynamic" "VCPKG_LIBRARY_LINKAGE $kind" \
        "VCPKG_CMAKE_SYSTEM_NAME Linux" "VCPKG_CMAKE_CONFIGURE_OPTIONS \"$prebuilt\"" >"$work/vcpkg/triplets/x64-linux-$kind.cmake"
    done
    in_vcpkg() {
      env VCPKG_FORCE_SYSTEM_BINARIES=1 VCPKG_DISABLE_METRICS=1 VCPKG_BINARY_SOURCES=clear VCPKG_ROOT="$VCPKG_ROOT" \
        "$VCPKG_ROOT/vcpkg" "$@" --downloads-root="$work/vcpkg/downloads" --x-buildtrees-root="$work/vcpkg/buildtrees" \
        --x-packages-root="$work/vcpkg/packages" --x-install-root="$work/vcpkg/installed" \
        --overlay-ports="$dist/vcpkg/nacos-auth" --overlay-triplets="$work/vcpkg/triplets" --host-triplet=x64-linux-static
    }
    for kind in static dynamic; do
      linkage=$([ $kind = static ] && echo static || echo shared)
      check "vcpkg: install, $linkage: installs, and its checks find nothing" in_vcpkg install --enforce-port-checks "nacos-auth:x64-linux-$kind" || continue
      project "find_package(nacos_auth CONFIG REQUIRED)"
      # Whatever the project wants, there is one library only.
      builds "vcpkg: install" "$linkage" -DCMAKE_TOOLCHAIN_FILE="$VCPKG_ROOT/scripts/buildsystems/vcpkg.cmake" -DVCPKG_MANIFEST_MODE=OFF \
        -DVCPKG_TARGET_TRIPLET="x64-linux-$kind" -DVCPKG_INSTALLED_DIR="$work/vcpkg/installed" -DVCPKG_OVERLAY_TRIPLETS="$work/vcpkg/triplets"
    done
  fi
fi

if wanted cargo; then
  if ! command -v cargo >/dev/null; then
    skip "sources: cargo" "no cargo"
  else
    project "${fetch[@]}"
    export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} CARGO_HOME=$work/cargo-home CARGO_NET_OFFLINE=true
    builds "sources: FetchContent, cargo, offline" static
  fi
fi
finish
