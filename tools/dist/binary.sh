#!/usr/bin/env bash
# binary.sh STAGE OUT: OUT/nacos-auth-VERSION-linux-MACHINE.tar.gz, an installation that works wherever it is unpacked.
stage=$(realpath "$1") out=$(realpath "$2")
# shellcheck source=tools/dist/common.sh
source "$(dirname "$0")/common.sh"

name=nacos-auth-$version-linux-$(machine_of "$stage/libnacos_auth.so")
tools/dist/tree.sh "$stage" "$work" "/$name" lib
pack "$work/$name" "$out/$name.tar.gz"
