#!/bin/bash
# The measurements behind docs/performance.md. Each compares things in turn within one run: quote its ratios, not its times.
set -eu
cd "$(dirname "$0")/.."
tests/setup.sh
make --no-print-directory prefix >/dev/null
cargo build --quiet --package devserver

# Ends when this script does: its standard input closes.
coproc server { exec target/debug/nacos-devserver --stdin; }
read -r line <&"${server[0]}"
NACOS_SERVER_ADDR=$(sed 's/.*"address":"\([^"]*\)".*/\1/' <<<"$line")
export NACOS_SERVER_ADDR NACOS_USERNAME=nacos NACOS_PASSWORD=nacos

echo "== C: a cached token; requests against libcurl"
benches/c/run.sh
echo "== Rust: what a request costs beyond the HTTP engine"
cargo bench --quiet --bench request
echo "== Python: a cached token against an empty ctypes call"
NACOS_AUTH_LIBRARY=target/release/libnacos_auth.so PYTHONPATH=bindings/python/src .venv/bin/python bindings/python/benches/cached_token.py
if command -v go >/dev/null 2>&1; then
  echo "== Go: a cached token, requests"
  (cd bindings/go && PKG_CONFIG_PATH="$PWD/../../build/prefix/lib/pkgconfig" CGO_LDFLAGS="-Wl,-rpath,$PWD/../../build/prefix/lib" \
    go test -run '^$' -bench . -benchtime 1s ./...)
fi
