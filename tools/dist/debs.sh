#!/usr/bin/env bash
# debs.sh STAGE OUT: the Debian packages libnacos-auth1 (the library), libnacos-auth-dev (what it takes to compile with it) and
# nacos-auth (the command).
stage=$(realpath "$1") out=$(realpath "$2")
# shellcheck source=tools/dist/common.sh
source "$(dirname "$0")/common.sh"

case $(machine_of "$stage/libnacos_auth.so") in
x86_64) architecture=amd64 multiarch=x86_64-linux-gnu ;;
aarch64) architecture=arm64 multiarch=aarch64-linux-gnu ;;
esac
lib=usr/lib/$multiarch revision=$version-1
maintainer='nacos-auth maintainers <nacos-auth@users.noreply.github.com>'
homepage=https://github.com/nacos-auth/nacos-auth
tree=$work/tree
tools/dist/tree.sh "$stage" "$tree" /usr "lib/$multiarch"

# needs FILE: the packages with what it is linked with. The C library is the oldest that has every function it asks for.
needs() {
  local glibc
  glibc=$(readelf --version-info --wide "$1" | grep -o 'Name: GLIBC_[0-9.]*' | sed 's/.*_//' | sort --version-sort | tail -n 1)
  printf 'libc6 (>= %s)' "$glibc"
  ! readelf --dynamic --wide "$1" | grep -qF '[libgcc_s.so.1]' || printf ', libgcc-s1 | libgcc1'
}

# take PACKAGE PATH…: from the tree into the package.
take() {
  local package=$1 path
  shift
  for path in "$@"; do
    mkdir -p "$work/$package/$(dirname "$path")"
    mv "$tree/$path" "$work/$package/$path"
  done
}

# documents PACKAGE NOTICES: what every package says of itself.
documents() {
  local folder=$work/$1/usr/share/doc/$1
  mkdir -p "$folder"
  cat >"$folder/copyright" <<END
nacos-auth, from $homepage

Copyright (C) the authors of nacos-auth

Licensed under the Apache License, Version 2.0, which on Debian systems is in
/usr/share/common-licenses/Apache-2.0.

What it is compiled with, by whom and under which licences, is in THIRD-PARTY.txt.gz
beside this file.
END
  gzip --no-name --best <"$2" >"$folder/THIRD-PARTY.txt.gz"
  gzip --no-name --best <CHANGELOG.md >"$folder/changelog.gz"
  gzip --no-name --best >"$folder/changelog.Debian.gz" <<END
nacos-auth ($revision) unstable; urgency=medium

  * Version $version: see changelog.gz.

 -- $maintainer  $(date --rfc-email --date="@$SOURCE_DATE_EPOCH")
END
}

# build PACKAGE FIELDS: writes the package; the description comes last in FIELDS.
build() {
  local folder=$work/$1
  mkdir -p "$folder/DEBIAN"
  (cd "$folder" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$folder/DEBIAN/md5sums"
  cat >"$folder/DEBIAN/control" <<END
Package: $1
Source: nacos-auth
Version: $revision
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du --apparent-size --summarize --block-size=1024 "$folder/usr" | cut -f 1)
Homepage: $homepage
Priority: optional
$2
END
  chmod -R u=rwX,go=rX "$folder"
  find "$folder" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$folder" "$out/${1}_${revision}_$architecture.deb" >/dev/null
}

chmod -x "$tree/$lib/libnacos_auth.so.$version"
take libnacos-auth1 "$lib/libnacos_auth.so.1" "$lib/libnacos_auth.so.$version"
documents libnacos-auth1 THIRD-PARTY.txt
mkdir "$work/libnacos-auth1/DEBIAN"
echo 'activate-noawait ldconfig' >"$work/libnacos-auth1/DEBIAN/triggers"
# A program needs a library as new as the one it was linked with, whatever it calls: no list says which function came when.
echo "libnacos_auth 1 libnacos-auth1 (>= $version)" >"$work/libnacos-auth1/DEBIAN/shlibs"
{
  echo 'libnacos_auth.so.1 libnacos-auth1 #MINVER#'
  # The version is a symbol too, without a version.
  readelf --dyn-syms --wide "$stage/libnacos_auth.so" | sed -nE 's/.* (GLOBAL|WEAK) .* ([^ ]*NACOS_AUTH_[0-9]+)$/\2/p' |
    sed -E "s/@@/@/; s/^(NACOS_AUTH_[0-9]+)$/\1@\1/; s/.*/ & $version/" | sort
} >"$work/libnacos-auth1/DEBIAN/symbols"
build libnacos-auth1 "Section: libs
Multi-Arch: same
Depends: $(needs "$stage/libnacos_auth.so")
Recommends: ca-certificates
Description: keeps programs logged in at a Nacos server (shared library)
 Logs in, renews the token before it ends, and repeats the requests that a
 server refused because of it. For programs in C, C++ and other languages."

take libnacos-auth-dev usr/include "$lib"
documents libnacos-auth-dev THIRD-PARTY.txt
mv "$tree/usr/share/doc/nacos-auth/"{c-and-cpp,README}.md "$work/libnacos-auth-dev/usr/share/doc/libnacos-auth-dev/"
build libnacos-auth-dev "Section: libdevel
Multi-Arch: same
Depends: libnacos-auth1 (= $revision), libc6-dev
Description: keeps programs logged in at a Nacos server (development files)
 Logs in, renews the token before it ends, and repeats the requests that a
 server refused because of it. The headers for C and C++, the static library,
 and the files for pkg-config and CMake."

rm -r "$tree/usr/share/doc"
mv "$tree/usr/share/zsh/site-functions" "$tree/usr/share/zsh/vendor-completions"
gzip --no-name --best "$tree"/usr/share/man/man1/*.1
take nacos-auth usr/bin usr/share
documents nacos-auth cli/THIRD-PARTY.txt
build nacos-auth "Section: net
Depends: $(needs "$stage/nacos-auth")
Recommends: ca-certificates
Description: tokens, requests and a proxy for programs that talk to Nacos
 The command nacos-auth gives scripts and programs tokens of a Nacos server,
 sends requests with them, stands before the server as a proxy that logs in,
 and finds out why a server refuses."
[ -z "$(find "$tree" ! -type d)" ] || { echo "in no package: $(find "$tree" ! -type d)" >&2; exit 1; }
