#!/bin/sh
# Builds the shim of C that starts its calls and takes their ends from a queue: build.sh OUTPUT.
exec "$(dirname "$0")/../c/build.sh" "$1" ../c-async/calls.c
