#!/usr/bin/env bash
# Makes the ABI as it stands the one that is kept: its header, its dump, and the test programs that were written for it. Once
# a version with it has been handed out, that is done for additions only, and abi.sh has to pass before.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../common.sh"
# shellcheck source=tests/c/abi/functions.sh
source tests/c/abi/functions.sh
set -e

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp include/nacos_auth.h $baseline
dump_of $baseline "$work/dump"
cp "$work/dump" $abi/nacos_auth_1.abi
mkdir -p $abi/programs
cp tests/c/{token,lifetime,callbacks,answers,diagnose,health,operations}.c tests/c/{check,devserver,client}.h $abi/programs/
