#!/usr/bin/env bash
# cargo, for what is handed out: nothing that it compiles tells where, so that no path of the builder's is in the library, and
# builds in different folders give the same bytes. RUSTFLAGS and CFLAGS of the environment are kept; rustflags in cargo's own
# settings are not, since cargo takes the environment's instead.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
# As cargo has it: a link is not followed.
cargo_home=$(realpath -ms "${CARGO_HOME:-$HOME/.cargo}")
separator=$'\x1f'
rust=${RUSTFLAGS-}
rust=${CARGO_ENCODED_RUSTFLAGS:-${rust// /$separator}}
c=${CFLAGS-}
# The last that fits counts: a cache inside the sources is a cache.
for pair in "$root=/nacos-auth" "$cargo_home=/cargo"; do
  rust+=${rust:+$separator}--remap-path-prefix=$pair
  # For ring's C and assembly, by the cc crate.
  c+=" $(printf %q "-ffile-prefix-map=$pair")"
done
export CARGO_ENCODED_RUSTFLAGS=$rust CC_SHELL_ESCAPED_FLAGS=1 CFLAGS=$c
exec cargo "$@"
