#!/usr/bin/env bash
# What `make install` puts in place, used the way its users do: from projects outside the repository, each built and run
# against the server; then what `make uninstall` leaves.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
# The programs must find the installed library by themselves, and `make` is not the one that may have started this.
unset LD_LIBRARY_PATH PKG_CONFIG_PATH MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix stage=$work/stage
flags=(-Wall -Wextra -Wpedantic -Werror)

# in_make TARGET PREFIX [DESTDIR [VARIABLE=VALUE…]]: under the strictest umask, which must not show in what is installed.
in_make() { (umask 077 && make --no-print-directory "$1" PREFIX="$2" DESTDIR="${3:-}" LIBRARY="$libdir/libnacos_auth.so" "${@:4}"); }

files_in() { (cd "$1" && find . ! -type d | sort); }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
expected_files() {
  sort <<END
./include/nacos_auth.h
./include/nacos_auth.hpp
./lib/cmake/nacos_auth/nacos_authConfig.cmake
./lib/cmake/nacos_auth/nacos_authConfigVersion.cmake
./lib/cmake/nacos_auth/nacos_authTargets.cmake
./lib/libnacos_auth.a
./lib/libnacos_auth.so
./lib/libnacos_auth.so.1
./lib/libnacos_auth.so.$version
./lib/pkgconfig/nacos_auth.pc
./share/doc/nacos-auth/LICENSE
./share/doc/nacos-auth/README.md
./share/doc/nacos-auth/THIRD-PARTY.txt
./share/doc/nacos-auth/c-and-cpp.md
END
}

# consumed NAME shared|static PROGRAM: the program runs, and has the library where it should.
consumed() {
  local output needed
  needed=$(readelf -d "$3" | sed -n 's/.*(NEEDED).*\[\(libnacos_auth.*\)\]/\1/p')
  if [ "$2" = shared ]; then
    check "$1 asks for libnacos_auth.so.1" [ "$needed" = libnacos_auth.so.1 ]
  else
    check "$1 has the library inside" [ "$needed" = "" ]
  fi
  if [ -z "$server_pid" ]; then skip "$1 runs" "no $devserver"; return; fi
  output=$(timeout 120 "$3" 2>&1)
  if [ "$output" = "200 hello" ]; then pass "$1 runs"; else fail "$1 runs" "$output"; fi
}

# build NAME shared|static COMMAND…: a build in the scratch project, without the repository in sight; makes ./program.
build() {
  local name=$1 kind=$2
  shift 2
  rm -f "$work/project/program"
  check "$name builds" env -C "$work/project" "$@" && consumed "$name" "$kind" "$work/project/program"
}

check "install" in_make install "$prefix" || { finish; exit 1; }
cp -r tests/packaging/consumer "$work/project"
start_server --port 0 || true

check "the files are those promised" diff <(expected_files) <(files_in "$prefix")
check "everybody may read them" [ -z "$(find "$prefix" ! -type l ! -perm -o=r)" ]
check "the names of the library lead to one file" \
  [ "$(readlink "$prefix/lib/libnacos_auth.so") $(readlink "$prefix/lib/libnacos_auth.so.1")" = "libnacos_auth.so.1 libnacos_auth.so.$version" ]
# What its documents link to is there, or in the repository.
doc=$prefix/share/doc/nacos-auth pages=https://github.com/nacos-auth/nacos-auth/blob/v$version/
links() { grep -ohE '\]\([^) ]+\)' "$doc"/*.md | sed 's/^](\(.*\))$/\1/'; }
astray() {
  local link
  while read -r link; do
    case $link in
    "$pages"*) link=${link#"$pages"} && [ -e "${link%%#*}" ] ;;
    https://* | '#'*) ;;
    *) [ -e "$doc/${link%%#*}" ] ;;
    esac || echo "$link"
  done < <(links)
}
check "the installed documents have links" [ "$(links | wc -l)" -gt 20 ]
check "they lead to what is there" diff /dev/null <(astray)

pc() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" nacos_auth; }
if command -v pkg-config >/dev/null; then
  check "pkg-config knows the version" [ "$(pc --modversion)" = "$version" ]
  read -ra shared <<<"$(pc --cflags --libs) -Wl,-rpath,$(pc --variable=libdir)"
  read -ra static <<<"$(pc --static --cflags --libs)"
  build "C by pkg-config" shared cc "${flags[@]}" main.c -o program "${shared[@]}"
  build "C++ by pkg-config" shared c++ -std=c++17 "${flags[@]}" main.cpp -o program "${shared[@]}"
  build "C by pkg-config --static" static cc -static "${flags[@]}" main.c -o program "${static[@]}"
  build "C++ by pkg-config --static" static c++ -static -std=c++17 "${flags[@]}" main.cpp -o program "${static[@]}"

  of_pc=$(pc --static --libs-only-l | tr ' ' '\n' | grep -v -e nacos_auth -e '^$' | sort)
  of_cmake=$(grep -o '"-l.*"' "$prefix/lib/cmake/nacos_auth/nacos_authTargets.cmake" | tr -d '"' | tr ';' '\n' | sort)
  check "pkg-config and CMake name the same system libraries" diff <(echo "$of_pc") <(echo "$of_cmake")
  if command -v rustc >/dev/null; then
    of_rust=$(rustc --crate-type staticlib --print native-static-libs -o "$work/empty.a" - 2>&1 </dev/null |
      sed -n 's/.*native-static-libs: //p' | tr ' ' '\n' | grep -vx -e -lgcc_s -e -lc | sort)
    check "they are those that Rust names" diff <(echo "$of_rust") <(echo "$of_pc")
  else
    skip "they are those that Rust names" "no rustc"
  fi
else
  skip "pkg-config" "not installed"
fi

paths=("-I$prefix/include" "-L$prefix/lib" -lnacos_auth "-Wl,-rpath,$prefix/lib")
build "C by paths" shared cc -std=c99 "${flags[@]}" main.c -o program "${paths[@]}"
build "C++ by paths" shared c++ -std=c++17 "${flags[@]}" main.cpp -o program "${paths[@]}"
build "C with the archive" static cc -std=c99 "${flags[@]}" main.c -o program "-I$prefix/include" \
  "$prefix/lib/libnacos_auth.a" -lpthread -lm -ldl

# by_cmake NAME PREFIX
by_cmake() {
  local language kind
  check "CMake finds $1" cmake -S "$work/project" -B "$work/cmake $1" -DCMAKE_PREFIX_PATH="$2" || return
  check "CMake builds with $1" cmake --build "$work/cmake $1" || return
  for language in c cpp; do
    for kind in shared static; do consumed "$language, $kind, by CMake with $1" $kind "$work/cmake $1/${language}_$kind"; done
  done
}
# configured VERSION: whether CMake takes the installation for that version.
configured() { cmake -S "$work/project" -B "$work/cmake $1" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED="$1"; }
# compatible VERSION WANTED [OPTION…]: whether an installation of VERSION would do.
compatible() {
  sed "s|@VERSION@|$1|" cmake/nacos_authConfigVersion.cmake.in >"$work/version.cmake"
  cat >"$work/compatible.cmake" <<'END'
include(${FILE})
if(NOT PACKAGE_VERSION_COMPATIBLE OR PACKAGE_VERSION_UNSUITABLE)
  message(FATAL_ERROR "not compatible")
endif()
END
  cmake -DPACKAGE_FIND_VERSION="$2" -DPACKAGE_FIND_VERSION_MAJOR="${2%%.*}" -DFILE="$work/version.cmake" "${@:3}" \
    -P "$work/compatible.cmake"
}
check "install to a stage" in_make install /opt/nacos_auth "$stage"
if command -v cmake >/dev/null; then
  by_cmake "the installation" "$prefix"
  by_cmake "a moved installation" "$stage/opt/nacos_auth"
  check "CMake takes it for itself" configured "$version"
  check "2.3.0 is good for 2.1" compatible 2.3.0 2.1
  check "2.3.0 is not good for 1.9" eval "! compatible 2.3.0 1.9"
  check "2.3.0 is not good for 2.4" eval "! compatible 2.3.0 2.4"
  range() { compatible 2.3.0 2.1 -DPACKAGE_FIND_VERSION_RANGE="2.1...$2" -DPACKAGE_FIND_VERSION_RANGE_MAX="$1" -DPACKAGE_FIND_VERSION_MAX="$2"; }
  check "2.3.0 is good for 2.1...2.3" range INCLUDE 2.3
  check "2.3.0 is not good for 2.1...<2.3" eval "! range EXCLUDE 2.3"
  check "2.3.0 is not good for 2.1...2.2" eval "! range INCLUDE 2.2"
  check "it is not good for 32 bits" eval "! compatible 2.3.0 2.1 -DCMAKE_SIZEOF_VOID_P=4"
  check "CMake does not take it for a later one" eval "! configured $version.1"
else
  skip "CMake" "not installed"
fi

check "a stage has the same files" diff <(expected_files) <(files_in "$stage/opt/nacos_auth")
check "nothing installed knows the stage" eval "! grep -rIl '$stage' '$stage'"
check "nothing installed knows its place, so that it can be moved" eval "! grep -rIl -e '$prefix' -e /opt/nacos_auth '$stage' '$prefix'"

echo "somebody else's" | tee "$prefix/include/other.h" >"$prefix/share/doc/nacos-auth/notes"
check "uninstall" in_make uninstall "$prefix"
check "uninstall leaves what it did not install" diff <(printf './include/other.h\n./share/doc/nacos-auth/notes\n') <(files_in "$prefix")
check "uninstall from a stage" in_make uninstall /opt/nacos_auth "$stage"
check "uninstall leaves no file and no folder of its own" [ -z "$(find "$stage" ! -type d -o -name 'nacos?auth' ! -path "$stage/opt/nacos_auth")" ]
check "uninstall of nothing" in_make uninstall /opt/nacos_auth "$stage"
finish
