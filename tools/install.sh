#!/usr/bin/env bash
# install.sh install|uninstall: puts the library, its headers and what finds them into place, or takes them away. What make
# calls; by environment: PREFIX, DESTDIR, LIBDIR and INCLUDEDIR (below PREFIX, or absolute), VERSION, LIBRARY.
# shellcheck disable=SC2153 # in capitals they come from outside
set -eu
cd "$(dirname "$0")/.."

stop() { echo "$1" >&2; exit 1; }

# clean PATH: without doubled slashes, and without those at its end.
clean() {
  local path=$1
  while [[ $path == *//* ]]; do path=${path//\/\//\/}; done
  echo "${path%/}"
}

if [ -n "$DESTDIR" ] && [ -n "$PREFIX" ] && [[ $PREFIX != /* ]]; then
  stop "PREFIX=$PREFIX: has to be absolute if there is a DESTDIR: it is where the files of DESTDIR will be in the end"
fi
prefix=$PREFIX
[[ -z $prefix || $prefix == /* ]] || prefix=$PWD/$prefix
prefix=$(clean "$prefix")

# place NAME PATH: the path from PREFIX on, if it lies there; else absolute.
place() {
  local path
  path=$(clean "$2")
  [ -n "$path" ] || stop "$1=$2: has to be the name of a folder"
  # What leads out of a folder, and the way back from it, cannot be told by its name.
  [[ /$path/ != */../* && /$path/ != */./* ]] || stop "$1=$2: write it without . and .."
  [[ $path != "$prefix"/* ]] || path=${path#"$prefix"/}
  echo "$path"
}
libdir=$(place LIBDIR "$LIBDIR")
includedir=$(place INCLUDEDIR "$INCLUDEDIR")
docdir=share/doc/nacos-auth

# absolute PLACE
absolute() { [[ $1 == /* ]] && echo "$1" || echo "$prefix/$1"; }
# up PLACE: the way back from there to PREFIX.
up() { sed -E 's|[^/]+|..|g' <<<"$1"; }

# fill TEMPLATE FILE: the template with its @NAMES@ replaced. Where all folders lie below PREFIX no absolute path is in it, so that
# everything may be moved.
fill() {
  local text escape from=$prefix lib include
  text=$(<"$1")
  lib=$(absolute "$libdir") include=$(absolute "$includedir")
  if [[ $1 == *.pc.in ]]; then
    escape=escaped_for_pkg_config
    if [[ $libdir != /* && $includedir != /* ]]; then
      from="\${pcfiledir}/../$(up "$libdir")" lib="\${prefix}/$libdir" include="\${prefix}/$includedir"
    fi
  else
    escape=escaped_for_cmake
    if [[ $libdir != /* && $includedir != /* ]]; then
      lib=../.. include=../../$(up "$libdir")/$includedir
    fi
  fi
  text=${text//@PREFIX@/"$($escape "$from")"}
  text=${text//@LIBDIR@/"$($escape "$lib")"}
  text=${text//@INCLUDEDIR@/"$($escape "$include")"}
  text=${text//@VERSION@/"$VERSION"}
  install -m 644 /dev/stdin "$2" <<<"$text"
}
# page FILE TO: with links that lead into the repository: what a page links to is not installed beside it.
page() {
  local address=https://github.com/nacos-auth/nacos-auth/blob/v$VERSION
  [[ $1 != */* ]] || address+=/${1%/*}
  sed -E "s|\]\(([[:alnum:]][^): ]*)\)|]($address/\1)|g" "$1" | install -m 644 /dev/stdin "$2"
}
# What would end a word there.
# shellcheck disable=SC2001
escaped_for_pkg_config() { sed 's|[][ "\\();&<>*?#`~!'\'']|\\&|g' <<<"$1"; }
# shellcheck disable=SC2001
escaped_for_cmake() { sed 's|["\\$;]|\\&|g' <<<"$1"; }

# What is installed, a line each: how, from where, to where.
things() {
  local file
  for file in nacos_auth.h nacos_auth.hpp; do echo "644|include/$file|$includedir/$file"; done
  echo "755|$LIBRARY|$libdir/libnacos_auth.so.$VERSION"
  echo "link|libnacos_auth.so.$VERSION|$libdir/libnacos_auth.so.1"
  echo "link|libnacos_auth.so.1|$libdir/libnacos_auth.so"
  echo "archive|${LIBRARY%.so}.a|$libdir/libnacos_auth.a"
  echo "fill|nacos_auth.pc.in|$libdir/pkgconfig/nacos_auth.pc"
  for file in nacos_authConfig nacos_authConfigVersion; do
    echo "fill|cmake/$file.cmake.in|$libdir/cmake/nacos_auth/$file.cmake"
  done
  echo "644|cmake/nacos_authTargets.cmake|$libdir/cmake/nacos_auth/nacos_authTargets.cmake"
  for file in LICENSE THIRD-PARTY.txt; do echo "644|$file|$docdir/$file"; done
  for file in README.md docs/c-and-cpp.md; do echo "page|$file|$docdir/${file##*/}"; done
}

put() {
  [ -f "$LIBRARY" ] || stop "there is no $LIBRARY; run make build first"
  local how from to
  while IFS='|' read -r how from to; do
    to=$DESTDIR$(absolute "$to")
    install -d "${to%/*}"
    case $how in
    link) ln -sf "$from" "$to" ;;
    fill) fill "$from" "$to" ;;
    page) page "$from" "$to" ;;
    archive) tools/dist/archive.sh "$from" "$to" ;;
    *) install -m "$how" "$from" "$to" ;;
    esac
    echo "$to"
  done < <(things)
}

take() {
  local how from to
  while IFS='|' read -r how from to; do
    rm -f "$DESTDIR$(absolute "$to")"
  done < <(things)
  # The folders that are nobody else's.
  for to in "$libdir/cmake/nacos_auth" "$docdir"; do
    to=$DESTDIR$(absolute "$to")
    [ ! -d "$to" ] || rmdir --ignore-fail-on-non-empty "$to"
  done
}

case $1 in
install) put ;;
uninstall) take ;;
*) stop "install.sh install|uninstall" ;;
esac
