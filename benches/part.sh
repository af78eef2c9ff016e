#!/bin/bash
# One part of the measurements, as lines for benches/table.py: part.sh PART. benches/run.sh has built what it runs, and exports
# work, libdir, HTTP, HTTPS and SERVER.
# shellcheck disable=SC2154
set -euo pipefail
python=build/bench/venv/bin/python

# Between the two marks, by the thread that set them.
system_calls() {
  strace -f -o "$work/trace" "$work/counts" marks 100000
  awk '/getppid\(/ { marks++; thread = $1; next } marks == 1 && $1 == thread && !/resumed>/ { calls++ }
    END { if (marks != 2) exit 1
          printf "{\"part\": \"cached\", \"case\": \"C, 100000 gets\", \"name\": \"nacos_get_token\", \"rounds\": {\"system calls\": [%d]}}\n", calls }' "$work/trace"
}

# size NAME FILE
size() {
  awk -v name="$1" -v bytes="$(stat -L -c %s "$2")" 'BEGIN {
    printf "{\"part\": \"size\", \"case\": \"shared library\", \"name\": \"%s\", \"rounds\": {\"MiB\": [%.2f]}}\n", name, bytes / 1048576 }'
}

# They only wait, all at the same time.
handles() {
  local n pids=() pid
  for n in ${HANDLES:-1000 10000}; do
    "$work/counts" handles "$n" one >"$work/handles-$n-one" & pids+=($!)
    "$work/counts" handles "$n" many >"$work/handles-$n-many" & pids+=($!)
    [ ! -x "$work/go" ] || { HOME=$work "$work/go" handles "$n" >"$work/handles-$n-go" & pids+=($!); }
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  cat "$work"/handles-*
}

case $1 in
  http) "$work/rounds" http "http://$HTTP" 1 8 64 ;;
  https) "$work/rounds" https "https://$HTTPS" 1 8 64 ;;
  bodies)
    "$work/rounds" bodies "http://$HTTP" download
    "$work/rounds" bodies "http://$SERVER" upload
    ;;
  async) "$work/rounds" async "http://$HTTP" 1000 ;;
  cached)
    "$work/rounds" cached "http://$SERVER" 1 2
    "$work/counts" allocations
    system_calls
    [ ! -x "$work/go" ] || HOME=$work NACOS_SERVER_ADDR=$HTTP "$work/go" cached
    NACOS_SERVER_ADDR=$HTTP $python benches/python/rounds.py cached
    ;;
  python) NACOS_SERVER_ADDR=$HTTP $python benches/python/rounds.py python 1 16 ;;
  asyncio) NACOS_SERVER_ADDR=$HTTP $python benches/python/rounds.py asyncio 100 ;;
  go) [ ! -x "$work/go" ] || NACOS_SERVER_ADDR=$HTTP "$work/go" requests 1 8 64 ;;
  start) $python benches/python/start.py "$work/counts" ;;
  polls)
    for name in aiohttp nacos_auth.AsyncClient; do $python benches/python/polls.py "$name" "${POLLS:-10000}"; done
    "$work/polls" "${POLLS:-10000}"
    ;;
  handles) handles ;;
  churn) "$work/counts" churn "${CHURN:-100000}" ;;
  size)
    size libnacos_auth.so "$libdir/libnacos_auth.so"
    size nacos-sdk-rust-binding-py "$(find build/bench/venv -path '*nacos*' -name '*.so' -print -quit)"
    ;;
esac
