#!/usr/bin/env bash
# tree.sh STAGE DESTDIR PREFIX LIBDIR: what `make install` and `make install-cli` put in place, of the programs in STAGE.
source "$(dirname "$0")/common.sh"
stage=$(realpath "$1") destination=$(realpath -m "$2") prefix=$3 libdir=$4

cp "$stage/libnacos_auth.so" "$work/"
tools/dist/archive.sh "$stage/libnacos_auth.a" "$work/libnacos_auth.a"
in_make() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory --silent "$@" DESTDIR="$destination" PREFIX="$prefix"; }
in_make install LIBDIR="$libdir" LIBRARY="$work/libnacos_auth.so"
in_make cli-pages install-cli CLI="$stage/nacos-auth" CLI_OUT="$work/cli"
