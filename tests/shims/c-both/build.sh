#!/bin/sh
# Builds the shim of C that makes calls that wait and operations at the same time, for the soak: build.sh OUTPUT.
exec "$(dirname "$0")/../c/build.sh" "$1" ../c-both/calls.c
