#!/bin/bash
# Instructions per call, as callgrind counts them on the calling thread: instructions.sh [FILE]. A count does not depend on
# how busy the machine is. With FILE (benches/instructions.bar) each count is a check, and fails above its bar.
#   NACOS_AUTH_LIBDIR=…  a folder with another build of the library
set -euo pipefail
cd "$(dirname "$0")/.."
benches/setup.sh cc valgrind
work=$(mktemp -d)
# shellcheck source=benches/server.sh
source benches/server.sh
# shellcheck source=benches/build.sh
source benches/build.sh
trap 'stop_servers; rm -rf "$work"' EXIT
bars=${1:-}
passed=0 failed=0

build server benches/c/server.c
build counts benches/c/counts.c
start_server
export NACOS_SERVER_ADDR=$SERVER

# count WHAT N: instructions of one call, the mean of N.
count() {
  if ! valgrind --tool=callgrind --collect-atstart=no --toggle-collect=counted --callgrind-out-file="$work/$1.out" \
    "$work/counts" "$1" "$2" 2>"$work/valgrind.log"; then
    cat "$work/valgrind.log" >&2
    return 1
  fi
  awk -v calls="$2" '$1 == "totals:" || $1 == "summary:" { total = $2 } END { if (!total) exit 1; printf "%d\n", total / calls }' \
    "$work/$1.out"
}

for pair in "get 100000" "request 1000" "init 1000" "options 1000"; do
  read -r what calls <<<"$pair"
  counted=$(count "$what" "$calls")
  bar=
  [ -z "$bars" ] || bar=$(awk -v what="$what" '$1 == what { print $2 }' "$bars")
  echo "$what: $counted instructions per call, the mean of $calls${bar:+ (bar: $bar)}"
  if [ -n "$bars" ]; then
    if [ -n "$bar" ] && [ "$counted" -le "$bar" ]; then
      passed=$((passed + 1))
    else
      echo "FAIL: $what: $([ -n "$bar" ] && echo "above its bar" || echo "$bars has no bar for it")"
      failed=$((failed + 1))
    fi
  fi
done
if [ -n "$bars" ]; then
  echo "$passed passed, $failed failed, 0 skipped"
  [ "$failed" = 0 ]
fi
