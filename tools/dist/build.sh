#!/usr/bin/env bash
# build.sh OUT: what is handed out for Linux, on this machine's processor, built so that it runs with glibc 2.17 and later:
# OUT/libnacos_auth.so, OUT/libnacos_auth.a (as rustc makes it; see archive.sh) and OUT/nacos-auth, the command.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "$1"
out=$(realpath "$1")
tools/dist/tools.sh

target=$(uname -m)-unknown-linux-gnu
export PATH=$PWD/build/dist-tools/bin:$PATH
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# Beside the cache of other builds: cargo does not notice that it is another linker.
CARGO_TARGET_DIR+=/dist
export ZIG_GLOBAL_CACHE_DIR=$PWD/build/dist-tools/zig ZIG_LOCAL_CACHE_DIR=$PWD/build/dist-tools/zig
# The linker is .cargo/with-version.sh as ever, which calls this one.
export NACOS_AUTH_CC=$PWD/tools/dist/zigcc.sh
export "CC_${target//-/_}=$NACOS_AUTH_CC"

# One after the other: the allocator that wipes is for the library alone, and cargo has one place for the library with it and
# the one without.
built=$CARGO_TARGET_DIR/$target/release
tools/cargo-release.sh build --release --locked --target "$target" --package nacos-auth --lib --features wiping
install -m 755 "$built/libnacos_auth.so" "$out/"
install -m 644 "$built/libnacos_auth.a" "$out/"
tools/cargo-release.sh build --release --locked --target "$target" --package nacos-auth-cli
install -m 755 "$built/nacos-auth" "$out/"
