#!/bin/bash
# step.sh WHAT COMMAND…: runs a command that may take minutes, and says on standard error what is being built and for how long:
# at a terminal with the last line that the command said, elsewhere with a line at the beginning and one at the end. What the
# command prints is shown if it fails.
set -eu
what=$1
shift
log=$(mktemp)
ticker=
trap '[ -z "$ticker" ] || kill "$ticker" 2>/dev/null; rm -f "$log"' EXIT

# Runs beside the command, and ends with this script, however that ends.
tick() {
  while kill -0 $$ 2>/dev/null; do
    printf '\r\033[K%s' "$(printf 'building %-18s %4d s  %s' "$what" $SECONDS "$(tail -n 1 "$log" | tr -d '\r\033')" | cut -c "1-$(($(tput cols 2>/dev/null || echo 80) - 1))")" >&2
    sleep 1
  done
}
if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
  tick &
  ticker=$!
else
  printf 'building %s\n' "$what" >&2
fi

status=0
"$@" >"$log" 2>&1 || status=$?
if [ -n "$ticker" ]; then
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=
  printf '\r\033[K' >&2
fi
if [ $status -eq 0 ]; then
  printf 'built    %-18s %4d s\n' "$what" $SECONDS >&2
else
  cat "$log" >&2
  printf 'FAILED   %-18s %4d s\n' "$what" $SECONDS >&2
fi
exit $status
