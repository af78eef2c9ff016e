#!/usr/bin/env bash
# Two builds from nothing, in folders of different names, with caches and homes in different places, give the same bytes. Takes
# minutes.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$(realpath "${CARGO_HOME:-$HOME/.cargo}")
rustup=${RUSTUP_HOME:-$HOME/.rustup}

# built FOLDER
built() {
  mkdir -p "$1" "$1-home"
  git ls-files -z | tar --null --files-from=- -c | tar -C "$1" -x
  ln -s "$cache" "$1-home/cache"
  (cd "$1" && env -u CARGO_TARGET_DIR -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CFLAGS HOME="$1-home" RUSTUP_HOME="$rustup" \
    CARGO_HOME="$1-home/cache" tools/cargo-release.sh build --release --locked --package nacos-auth --features wiping)
}
check "builds" built "$work/one" &&
  check "builds in another folder" built "$work/a folder of quite another name/two" &&
  for file in libnacos_auth.so libnacos_auth.a; do
    one=$work/one/target/release/$file two="$work/a folder of quite another name/two/target/release/$file"
    check "$file is the same: $(sha256sum <"$one" | cut -c 1-16), $(stat -c %s "$one") bytes" cmp "$one" "$two"
  done
# The one of this folder too, if it is one of the same sources.
if [ -e "$libdir/libnacos_auth.so" ] && git diff --quiet HEAD -- src Cargo.toml Cargo.lock build.rs; then
  check "libnacos_auth.so of this folder is the same" cmp "$work/one/target/release/libnacos_auth.so" "$libdir/libnacos_auth.so"
else
  skip "libnacos_auth.so of this folder is the same" "there is none, or the sources have changed"
fi
finish
