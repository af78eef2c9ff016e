#!/bin/bash
# Instructions per call, as callgrind counts them on the calling thread: instructions.sh [FILE]. A count does not depend on
# how busy the machine is. With FILE (benches/instructions.bar) fails when one is above its bar there.
#   NACOS_AUTH_LIBDIR=…  a folder with another build of the library
set -euo pipefail
cd "$(dirname "$0")/.."
benches/setup.sh
work=$(mktemp -d)
# shellcheck source=benches/server.sh
source benches/server.sh
# shellcheck source=benches/build.sh
source benches/build.sh
trap 'stop_servers; rm -rf "$work"' EXIT
bars=${1:-}
above=0

build counted benches/c/counted.c
start_nginx
export NACOS_SERVER_ADDR=$HTTP

# count WHAT N: instructions of one call, the mean of N.
count() {
  if ! valgrind --tool=callgrind --collect-atstart=no --toggle-collect=counted --callgrind-out-file="$work/$1.out" \
    "$work/counted" "$1" "$2" 2>"$work/valgrind.log"; then
    cat "$work/valgrind.log" >&2
    return 1
  fi
  awk -v calls="$2" '$1 == "totals:" || $1 == "summary:" { total = $2 } END { if (!total) exit 1; printf "%d\n", total / calls }' \
    "$work/$1.out"
}

for pair in "get 100000" "request 1000"; do
  read -r what calls <<<"$pair"
  counted=$(count "$what" "$calls")
  bar=
  if [ -n "$bars" ]; then
    bar=$(awk -v what="$what" '$1 == what { print $2 }' "$bars")
    if [ -z "$bar" ]; then
      echo "$bars has no bar for $what" >&2
      exit 2
    fi
  fi
  echo "$what: $counted instructions per call, the mean of $calls${bar:+ (bar: $bar)}"
  if [ -n "$bar" ] && [ "$counted" -gt "$bar" ]; then
    echo "ABOVE THE BAR: $what" >&2
    above=1
  fi
done
exit "$above"
