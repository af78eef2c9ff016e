#!/usr/bin/env bash
# native.sh DIST [PART…]: the Debian packages, the binary and the source tarball of DIST, used as their users do, outside the
# checkout: symbols, tarball, debs, source, old. Without parts all of them; source and old take minutes. With the word quick among
# the parts only C, not C++. Packages are installed, and removed again, where this is root on a Debian.
dist=$(realpath "$1")
shift
# On a layer over this machine's folders, where the system has such: nothing else sees what is installed.
if [ -z "${NATIVE_LAYERS:-}" ] && unshare --mount true 2>/dev/null; then
  NATIVE_LAYERS=$(mktemp -d) || exit
  export NATIVE_LAYERS
  unshare --mount "$0" "$dist" "$@"
  status=$?
  rm -rf "$NATIVE_LAYERS"
  exit $status
fi
for folder in ${NATIVE_LAYERS:+usr etc var}; do
  mkdir -p "$NATIVE_LAYERS/$folder/upper" "$NATIVE_LAYERS/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$NATIVE_LAYERS/$folder/upper,workdir=$NATIVE_LAYERS/$folder/work" "/$folder" ||
    echo "no layer over /$folder: packages are installed on this machine itself"
done
parts=" ${*:-symbols tarball debs source old} "
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
unset LD_LIBRARY_PATH PKG_CONFIG_PATH CARGO_TARGET_DIR RUSTFLAGS CFLAGS MAKEFLAGS MFLAGS MAKELEVEL

wanted() { [[ $parts = *" $1 "* ]]; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
newest_glibc=2.17
cp -r tests/packaging/consumer "$work/project"
flags=(-Wall -Wextra -Wpedantic -Werror)
languages=(c cpp)
! wanted quick || languages=(c)

tarball=$dist/nacos-auth-$version-linux-$(uname -m).tar.gz
# A place that needs quotes.
prefix="$work/some where/nacos-auth-$version-linux-$(uname -m)"
mkdir "$work/some where"
check "tarball: unpacks" tar -C "$work/some where" -xzf "$tarball" || { finish; exit 1; }
start_server --port 0 || true

needed() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(libnacos_auth.*\)\]/\1/p'; }
# runs NAME shared|static COMMAND…: the program has the library where it should, and gets an answer.
runs() {
  local name=$1 kind=$2 output
  shift 2
  if [ "$kind" = shared ]; then
    check "$name: asks for libnacos_auth.so.1" [ "$(needed "${!#}")" = libnacos_auth.so.1 ]
  else
    check "$name: has the library inside" [ "$(needed "${!#}")" = "" ]
  fi
  if [ -z "$server_pid" ]; then skip "$name: runs" "no $devserver"; return; fi
  output=$(timeout 120 "$@" 2>&1)
  if [ "$output" = "200 hello" ]; then pass "$name: runs"; else fail "$name: runs" "$output"; fi
}
# built NAME shared|static COMMAND…: compiles ./program in the project, and runs it with RUN_WITH before it.
built() {
  local name=$1 kind=$2
  shift 2
  rm -f "$work/project/program"
  check "$name: builds" env -C "$work/project" "$@" && runs "$name" "$kind" "${RUN_WITH[@]}" "$work/project/program"
}
# by_pkg_config NAME ENVIRONMENT…
by_pkg_config() {
  local name=$1 shared static
  shift
  check "$name: pkg-config: knows the version" [ "$(env "$@" pkg-config --modversion nacos_auth)" = "$version" ]
  # It writes for a shell.
  eval "shared=($(env "$@" pkg-config --cflags --libs nacos_auth)) static=($(env "$@" pkg-config --static --cflags --libs nacos_auth))"
  built "$name: pkg-config, C, shared" shared cc "${flags[@]}" main.c -o program "${shared[@]}"
  built "$name: pkg-config, C, static" static cc -static "${flags[@]}" main.c -o program "${static[@]}"
  ! wanted quick || return 0
  built "$name: pkg-config, C++, shared" shared c++ -std=c++17 "${flags[@]}" main.cpp -o program "${shared[@]}"
  built "$name: pkg-config, C++, static" static c++ -static -std=c++17 "${flags[@]}" main.cpp -o program "${static[@]}"
}
# by_cmake NAME OPTION…
by_cmake() {
  local name=$1 language kind
  shift
  check "$name: CMake: finds it" cmake -S "$work/project" -B "$work/cmake $name" "$@" || return
  check "$name: CMake: builds with it" cmake --build "$work/cmake $name" --target \
    "${languages[@]/%/_shared}" "${languages[@]/%/_static}" || return
  for language in "${languages[@]}"; do
    for kind in shared static; do runs "$name: CMake, $language, $kind" $kind "$work/cmake $name/${language}_$kind"; done
  done
}

if wanted symbols; then
  # glibc_of FILE: the newest version of glibc that it asks for.
  glibc_of() { readelf -VW "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/.*_//' | sort -uV | tail -n 1; }
  not_newer() { [ "$(printf '%s\n' "$1" "$newest_glibc" | sort -V | tail -n 1)" = "$newest_glibc" ]; }
  for file in lib/libnacos_auth.so.1 bin/nacos-auth; do
    glibc=$(glibc_of "$prefix/$file")
    check "symbols: $file: glibc $glibc, not later than $newest_glibc" not_newer "$glibc"
  done
  echo 'int main(void) { return 0; }' | cc -x c - -o "$work/newer"
  if not_newer "$(glibc_of "$work/newer")"; then
    skip "symbols: planted: a program for this machine is noticed" "its glibc is old"
  else
    pass "symbols: planted: a program for this machine is noticed"
  fi
  if auditwheel=$(command -v auditwheel || ls build/dist-tools/bin/auditwheel 2>/dev/null); then
    # It judges wheels alone.
    mkdir -p "$work/wheel/nacos_auth" "$work/wheel/audited-0.dist-info"
    cp "$prefix/lib/libnacos_auth.so.1" "$work/wheel/nacos_auth/libnacos_auth.so"
    printf 'Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-linux_%s\n' "$(uname -m)" >"$work/wheel/audited-0.dist-info/WHEEL"
    printf 'Metadata-Version: 2.1\nName: audited\nVersion: 0\n' >"$work/wheel/audited-0.dist-info/METADATA"
    printf '%s,,\n' nacos_auth/libnacos_auth.so audited-0.dist-info/{WHEEL,METADATA,RECORD} >"$work/wheel/audited-0.dist-info/RECORD"
    wheel=$work/audited-0-py3-none-linux_$(uname -m).whl
    (cd "$work/wheel" && python3 -m zipfile -c "$wheel" nacos_auth audited-0.dist-info)
    check "symbols: auditwheel: the library is for manylinux_${newest_glibc/./_}" \
      eval "'$auditwheel' show '$wheel' | tr '\n' ' ' | grep -q 'manylinux_${newest_glibc/./_}_$(uname -m)'"
  else
    skip "symbols: auditwheel" "not there: tools/dist/tools.sh installs it"
  fi
fi

if wanted tarball; then
  RUN_WITH=(env "LD_LIBRARY_PATH=$prefix/lib")
  by_pkg_config tarball "PKG_CONFIG_PATH=$prefix/lib/pkgconfig"
  RUN_WITH=()
  by_cmake tarball -DCMAKE_PREFIX_PATH="$prefix"
  check "tarball: command: runs" [ "$("$prefix/bin/nacos-auth" --version)" = "nacos-auth $version" ]
  for file in share/man/man1/nacos-auth.1 share/bash-completion/completions/nacos-auth share/doc/nacos-auth/LICENSE \
    share/doc/nacos-auth/THIRD-PARTY.txt share/doc/nacos-auth-cli/THIRD-PARTY.txt; do
    check "tarball: files: $file" [ -s "$prefix/$file" ]
  done
  check "tarball: files: no place of the builder in them" eval "! grep -rIl -e '$PWD' -e '$HOME/' -e /tmp/ '$prefix/lib' '$prefix/share/man'"
fi

if wanted debs; then
  packages=(libnacos-auth1 libnacos-auth-dev nacos-auth)
  debs=()
  for package in "${packages[@]}"; do debs+=("$dist/${package}_$version-1_$(dpkg --print-architecture 2>/dev/null).deb"); done
  multiarch=$(uname -m)-linux-gnu
  there() { find /usr /etc /var/lib/dpkg/info \( -name '*nacos[-_]auth*' -o -name 'nacosauth*' \) ! -path '/usr/local/*' | sort; }
  remove() { dpkg --purge libnacos-auth-dev libnacos-auth1 nacos-auth; }
  if ! command -v dpkg >/dev/null || [ "$(id -u)" != 0 ]; then
    skip "debs: install" "they are installed by root, on a Debian"
  elif [ -n "$(there)" ]; then
    skip "debs: install" "something of this name is there: $(there | head -n 1)"
  elif trap 'remove >/dev/null 2>&1; rm -rf "$work"' EXIT && check "debs: install: dpkg installs them" dpkg --install "${debs[@]}"; then
    check "debs: install: the loader knows the library" eval "ldconfig -p | grep -q 'libnacos_auth.so.1 .*/lib/$multiarch/'"
    # shellcheck disable=SC2016 # for eval
    check "debs: install: every file is as it was" eval '! dpkg --verify "${packages[@]}" | grep .'
    RUN_WITH=()
    by_pkg_config debs X=
    by_cmake debs
    check "debs: command: runs" [ "$(/usr/bin/nacos-auth --version)" = "nacos-auth $version" ]
    for file in man/man1/nacos-auth.1.gz bash-completion/completions/nacos-auth zsh/vendor-completions/_nacos-auth \
      fish/vendor_completions.d/nacos-auth.fish doc/{nacos-auth,libnacos-auth1,libnacos-auth-dev}/{copyright,THIRD-PARTY.txt.gz}; do
      check "debs: files: /usr/share/$file" [ -s "/usr/share/$file" ]
    done
    if command -v dpkg-shlibdeps >/dev/null; then
      # What a package of a program that uses the library would depend on.
      mkdir -p "$work/package/debian"
      printf 'Source: consumer\n\nPackage: consumer\nArchitecture: any\n' >"$work/package/debian/control"
      check "debs: dpkg-shlibdeps: a program's package depends on libnacos-auth1 (>= $version)" eval \
        "env -C '$work/package' dpkg-shlibdeps -O '$work/cmake debs/c_shared' | grep -F 'libnacos-auth1 (>= $version)'"
    else
      skip "debs: dpkg-shlibdeps: what a program's package depends on" "no dpkg-shlibdeps (dpkg-dev)"
    fi
    check "debs: remove: libnacos-auth1 is not removed from under the others" eval "! dpkg --remove libnacos-auth1"
    check "debs: remove: dpkg removes them" remove
    check "debs: remove: nothing is left" [ -z "$(there)" ]
    check "debs: remove: the loader has forgotten the library" eval "! ldconfig -p | grep libnacos_auth"
    trap 'rm -rf "$work"' EXIT
  fi
  if command -v lintian >/dev/null; then
    check "debs: lintian: finds no error" lintian --allow-root --fail-on error "${debs[@]}"
  else
    skip "debs: lintian" "not installed"
  fi
fi

if wanted source; then
  if ! command -v cargo >/dev/null; then
    skip "source: cargo" "no cargo"
  elif check "source: cargo: unpacks" tar -C "$work" -xzf "$dist/nacos-auth-$version-source.tar.gz"; then
    # A network of its own, with nothing in it, where that may be had.
    alone=()
    ! unshare -n true 2>/dev/null || alone=(unshare -n)
    offline() {
      env -C "$work/nacos-auth-$version-source" HOME="$work/home" CARGO_HOME="$work/home/cargo" \
        RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" CARGO_NET_OFFLINE=true "${alone[@]}" "$@"
    }
    check "source: cargo: builds without network (${alone[*]:-CARGO_NET_OFFLINE}) and without a cache" \
      offline cargo build --offline --locked --package nacos-auth --package nacos-auth-cli
    check "source: cargo: the library's symbols have their version" eval \
      "readelf --dyn-syms -W '$work/nacos-auth-$version-source/target/debug/libnacos_auth.so' | grep -q 'nacos_auth_init@@NACOS_AUTH_1'"
    check "source: cargo: the command runs" eval "'$work/nacos-auth-$version-source/target/debug/nacos-auth' --version | grep -qx 'nacos-auth $version'"
  fi
fi

if wanted old; then
  # The oldest Debian that is to be had, with its compiler.
  suite=bullseye
  root=build/dist-tools/$suite
  if [ "$(id -u)" != 0 ] || ! PATH=$PATH:/usr/sbin command -v debootstrap >/dev/null; then
    skip "old: Debian" "debootstrap, as root, makes one"
  elif { [ -e $root/usr/bin/gcc ] && [ ! -d $root/debootstrap ]; } || { rm -rf $root && mkdir -p ${root%/*} &&
    check "old: Debian: debootstrap $suite" debootstrap --variant=minbase --include=gcc,libc6-dev,pkg-config $suite $root; }; then
    old() { chroot $root "$@"; }
    old dpkg --purge libnacos-auth-dev libnacos-auth1 nacos-auth >/dev/null 2>&1
    rm -rf $root/tmp/nacos-auth
    mkdir -p $root/tmp/nacos-auth
    cp "$dist"/*.deb "$work/project/main.c" $root/tmp/nacos-auth/
    pass "old: Debian: $(old ldd --version | head -n 1)"
    check "old: Debian: dpkg installs the packages" old sh -c 'dpkg --install /tmp/nacos-auth/*.deb'
    check "old: command: runs" [ "$(old nacos-auth --version)" = "nacos-auth $version" ]
    # The server is on this machine's loopback, which a chroot shares.
    old_program() { # shared|static OPTION…
      local kind=$1
      shift
      # shellcheck disable=SC2016 # for the shell there
      check "old: pkg-config, C, $kind: builds" old sh -c 'cd /tmp/nacos-auth && gcc "$@" main.c -o program $(pkg-config $PKG_CONFIG --cflags --libs nacos_auth)' sh "$@" || return
      if [ -z "$server_pid" ]; then skip "old: pkg-config, C, $kind: runs" "no $devserver"; return; fi
      check "old: pkg-config, C, $kind: runs" [ "$(timeout 60 chroot $root /tmp/nacos-auth/program 2>&1)" = "200 hello" ]
    }
    old_program shared
    PKG_CONFIG=--static old_program static -static
    check "old: Debian: dpkg removes the packages" old dpkg --purge libnacos-auth-dev libnacos-auth1 nacos-auth
  fi
fi
finish
