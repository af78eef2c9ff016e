#!/usr/bin/env bash
# The wheels and the source package, made of the libraries of this checkout and of the command as the tests have it, and used: the
# quick part of what is tried of a release.
set -eu
cd "$(dirname "$0")/../.."
libdir=$(realpath -m "${NACOS_AUTH_LIBDIR:-target/release}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/stage"
ln -s "$libdir/libnacos_auth.so" "$work/stage/"
command=${NACOS_AUTH_CLI:-target/debug/nacos-auth}
[ ! -e "$command" ] || strip -o "$work/stage/nacos-auth" "$command"
tools/dist/wheels.sh "$work/stage" "$work/dist"
tests/dist/python.sh "$work/dist" quick
