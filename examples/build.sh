#!/bin/bash
# Builds the example programs into build/examples and prints a line for each: NAME<TAB>COMMAND, or NAME<TAB><TAB>REASON for
# a language whose toolchain is missing. Standard error tells what is being built.
set -eu
cd "$(dirname "$0")/.."
root=$PWD out=$PWD/build/examples prefix=$PWD/build/prefix
mkdir -p "$out"

has() { command -v "$1" >/dev/null 2>&1; }
build() { "$root/tools/step.sh" "$@"; }
program() { printf '%s\t%s\n' "$1" "$2"; }
missing() { printf '%s\t\t%s\n' "$1" "$2"; }
flags=(-O2 -Wall -Wextra -Iinclude "-L$root/target/release" -lnacos_auth "-Wl,-rpath,$root/target/release")

if has cc; then
  build "C program" cc -std=c11 examples/c/main.c -o "$out/c" "${flags[@]}"
  program c "$out/c"
else
  missing c "no C compiler (cc); install gcc or clang"
fi
if has c++; then
  build "C++ program" c++ -std=c++17 examples/cpp/main.cpp -o "$out/cpp" "${flags[@]}"
  program cpp "$out/cpp"
else
  missing cpp "no C++ compiler (c++); install g++ or clang"
fi
if has python3; then
  program python "env PYTHONPATH=$root/bindings/python/src NACOS_AUTH_LIBRARY=$root/target/release/libnacos_auth.so python3 $root/examples/python/main.py"
else
  missing python "no python3"
fi
if has go && has cc; then
  build "Go program" env PKG_CONFIG_PATH="$prefix/lib/pkgconfig" CGO_LDFLAGS="-Wl,-rpath,$prefix/lib" \
    go -C examples/go build -tags nacos_auth_dynamic -o "$out/go" .
  program go "$out/go"
else
  missing go "no Go toolchain, or no C compiler for cgo"
fi
# Not in the release profile: cargo has one place for the libnacos_auth.so of all features, and would build it anew in turns.
build "Rust program" cargo build --example main
cp target/debug/examples/main "$out/rust"
program rust "$out/rust"
