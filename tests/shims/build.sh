#!/bin/bash
# Builds the conformance shims into build/shims and prints a line for each: LANGUAGE<TAB>COMMAND. A language whose
# toolchain is missing gets no line; standard error says why.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD out=$PWD/build/shims prefix=$PWD/build/prefix
mkdir -p "$out"

shim() { printf '%s\t%s\n' "$1" "$2"; }
missing() { echo "shims: $1 left out: $2" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

if has cc; then
  tests/shims/c/build.sh "$out/c" >&2 && shim c "$out/c"
else
  missing c "no C compiler"
fi
if has c++; then
  tests/shims/cpp/build.sh "$out/cpp" >&2 && shim cpp "$out/cpp"
else
  missing cpp "no C++ compiler"
fi
if has python3; then
  shim python "env PYTHONPATH=$root/bindings/python/src NACOS_AUTH_LIBRARY=$root/target/release/libnacos_auth.so python3 $root/tests/shims/python/shim.py"
else
  missing python "no python3"
fi
if has go && has cc; then
  (
    cd tests/shims/go
    PKG_CONFIG_PATH="$prefix/lib/pkgconfig" CGO_LDFLAGS="-Wl,-rpath,$prefix/lib" go build -o "$out/go" .
    # The go command does not notice that the archive has changed; it does notice other flags.
    stamp=$(cksum <"$root/target/release/libnacos_auth.a" | cut -d' ' -f1)
    CGO_LDFLAGS="-Wl,--defsym=nacos_auth_stamp=$stamp" go build -tags nacos_auth_static -o "$out/go-static" .
  ) >&2
  shim go "$out/go"
  shim go-static "$out/go-static"
else
  missing go "no Go toolchain, or no C compiler for cgo"
fi
cargo build --release --quiet --example shim >&2
cp target/release/examples/shim "$out/rust"
shim rust "$out/rust"
