#!/bin/sh
# go-modules.sh STAGE OUT: the Go modules of this checkout, as a folder OUT/go that GOPROXY=file:// takes.
exec python3 "$(dirname "$0")/go_modules.py" "$@"
