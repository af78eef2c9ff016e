#!/bin/bash
# The measurements behind docs/performance.md, which says how to read them: tables on standard output, and the same in
# benches/latest.json.
#   ONLY="http https bodies cached layers python go"  parts to run; all of them if not set
#   ROUNDS=15 ROUND_MS=350    rounds for each row, and how long one takes
#   NACOS_AUTH_LIBDIR=…       a folder with another build of the library (C and Python parts); NACOS_AUTH_INCLUDE its headers
#   BASE=….so                 a second build, for a row of its own in the parts http, https and bodies
#   OUT=benches/latest.json   where the figures go; parts that were not run stay as they are in it
set -euo pipefail
cd "$(dirname "$0")/.."
benches/setup.sh
work=$(mktemp -d)
# shellcheck source=benches/server.sh
source benches/server.sh
# shellcheck source=benches/build.sh
source benches/build.sh
trap 'stop_servers; rm -rf "$work"' EXIT

export ROUNDS=${ROUNDS:-15} ROUND_MS=${ROUND_MS:-350}
VERSIONS="libcurl $(pkg-config --modversion libcurl), $(PATH=$PATH:/usr/sbin nginx -v 2>&1 | sed 's/.*: //')"
export VERSIONS
rows=$work/rows.jsonl
parts=${ONLY:-http https bodies cached layers python go}

for source in sink cached_get; do build $source benches/c/$source.c; done
build requests benches/c/{requests,turns,raw,by_curl,by_library}.c
start_nginx
start_sink
export NACOS_SERVER_ADDR=$HTTP NACOS_USERNAME=nacos NACOS_PASSWORD=nacos

# The thread that set the marks, between the two.
system_calls() {
  strace -f -o "$work/trace" "$work/cached_get" marks 100000
  awk '/getppid\(/ { marks++; thread = $1; next } marks == 1 && $1 == thread && !/resumed>/ { calls++ }
    END { if (marks != 2) exit 1
          printf "{\"part\": \"cached\", \"fact\": \"system calls in 100,000 gets\", \"value\": %d}\n", calls }' "$work/trace"
}

for part in $parts; do
  echo "== $part" >&2
  case $part in
    http) "$work/requests" http "http://$HTTP" get 1 8 64 ;;
    https) "$work/requests" https "https://$HTTPS" get 1 8 64 ;;
    bodies)
      "$work/requests" bodies "http://$HTTP" download 1 2
      "$work/requests" bodies "http://$SINK" upload 1 2
      ;;
    cached)
      "$work/cached_get"
      system_calls
      ;;
    layers) tools/cargo-release.sh bench --quiet --bench request ;;
    python)
      tests/setup.sh >&2
      NACOS_AUTH_LIBRARY=$libdir/libnacos_auth.so PYTHONPATH=bindings/python/src \
        .venv/bin/python bindings/python/benches/cached_token.py >&2
      ;;
    go)
      command -v go >/dev/null || continue
      make --no-print-directory prefix >&2
      (cd bindings/go && PKG_CONFIG_PATH="$PWD/../../build/prefix/lib/pkgconfig" \
        CGO_LDFLAGS="-Wl,-rpath,$PWD/../../build/prefix/lib" go test -tags nacos_auth_dynamic -run '^$' -bench . -benchtime 1s ./...) >&2
      ;;
    *)
      echo "no such part: $part" >&2
      exit 2
      ;;
  esac >"$rows"
  benches/table.py show "$rows"
  benches/table.py keep "$rows" "${OUT:-benches/latest.json}"
done
