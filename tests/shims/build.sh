#!/bin/bash
# Builds the conformance shims into build/shims and prints a line for each: LANGUAGE<TAB>COMMAND. A language whose
# toolchain, or whose JSON library, is missing gets no line; standard error says what to install. A shim that does not
# compile is an error.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD out=$PWD/build/shims prefix=$PWD/build/prefix
mkdir -p "$out"

shim() { printf '%s\t%s\n' "$1" "$2"; }
missing() { echo "shims: $1 left out: $2" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

# native LANGUAGE COMPILER LIBRARY PACKAGE: a shim that pkg-config finds its JSON library for.
native() {
  local setup="or let tests/setup.sh install what the tests need"
  if ! has "$2"; then
    missing "$1" "no $2: install a compiler (Debian: gcc, g++), $setup"
  elif ! has pkg-config; then
    missing "$1" "no pkg-config: install it, $setup"
  elif ! pkg-config --exists "$3"; then
    missing "$1" "no $3: install it (Debian: $4), $setup"
  else
    "tests/shims/$1/build.sh" "$out/$1" >&2
    shim "$1" "$out/$1"
  fi
}

native c cc libcjson libcjson-dev
native c-async cc libcjson libcjson-dev
native c-both cc libcjson libcjson-dev
native cpp c++ nlohmann_json nlohmann-json3-dev
if has python3; then
  python="env PYTHONPATH=$root/bindings/python/src NACOS_AUTH_LIBRARY=$root/target/release/libnacos_auth.so python3 $root/tests/shims/python"
  shim python "$python/shim.py"
  shim python-async "$python/shim_async.py"
else
  missing python "no python3"
fi
if has go && has cc && has pkg-config; then
  (
    cd tests/shims/go
    PKG_CONFIG_PATH="$prefix/lib/pkgconfig" CGO_LDFLAGS="-Wl,-rpath,$prefix/lib" \
      go build -tags nacos_auth_dynamic,nacos_auth_operations -o "$out/go" . # all asynchronous; the other as programs have it
    # The go command does not notice that the archive has changed; it does notice other flags.
    stamp=$(cksum <"$root/target/release/libnacos_auth.a" | cut -d' ' -f1)
    CGO_LDFLAGS="-Wl,--defsym=nacos_auth_stamp=$stamp" go build -o "$out/go-static" .
  ) >&2
  shim go "$out/go"
  shim go-static "$out/go-static"
else
  missing go "no Go toolchain, or no C compiler and pkg-config for cgo"
fi
# In a profile of its own folder: cargo has one place for the libnacos_auth.so of all features, and would build the one that
# the other languages use anew after each Rust program.
cargo build --quiet --example shim >&2
cp target/debug/examples/shim "$out/rust"
shim rust "$out/rust"
