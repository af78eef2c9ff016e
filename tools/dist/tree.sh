#!/usr/bin/env bash
# tree.sh STAGE DESTDIR PREFIX LIBDIR: what `make install` and `make install-cli` put in place, of the programs in STAGE.
# shellcheck source=tools/dist/common.sh
source "$(dirname "$0")/common.sh"
stage=$(realpath "$1") destination=$(realpath -m "$2") prefix=$3 libdir=$4

in_make() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory --silent "$@" DESTDIR="$destination" PREFIX="$prefix" >/dev/null; }
in_make install LIBDIR="$libdir" LIBRARY="$stage/libnacos_auth.so"
in_make cli-pages install-cli CLI="$stage/nacos-auth" CLI_OUT="$work/cli"
