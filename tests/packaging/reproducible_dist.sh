#!/usr/bin/env bash
# Two clones of the last commit, in folders of different names, make the same release, byte by byte. Takes a quarter of an hour.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
made() {
  git clone --quiet . "$1" && env -u CARGO_TARGET_DIR -u RUSTFLAGS -u CFLAGS make --no-print-directory -C "$1" dist &&
    rm -rf "$1/target" "$1/build"
}
other="$work/a folder of quite another name"
check "make dist" made "$work/one" && check "make dist in another folder" made "$other" && {
  check "the same files" diff <(cd "$work/one/dist" && find . | sort) <(cd "$other/dist" && find . | sort)
  while read -r -d '' file; do
    check "$file is the same" cmp "$work/one/dist/$file" "$other/dist/$file"
  done < <(cd "$work/one/dist" && find . -type f -printf '%P\0' | sort -z)
}
finish
