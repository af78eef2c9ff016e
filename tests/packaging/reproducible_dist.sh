#!/usr/bin/env bash
# reproducible_dist.sh [DIST]: two clones of the last commit, in folders of different names, make the same release, byte by byte. With
# DIST, a release that has been made of that commit is compared with one clone's. Takes ten minutes for each.
given=${1:+$(realpath "$1")}
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
made() {
  git clone --quiet . "$1" && env -u CARGO_TARGET_DIR -u RUSTFLAGS -u CFLAGS make --no-print-directory -C "$1" dist &&
    rm -rf "$1/target" "$1/build"
}
if [ -z "$given" ]; then
  given=$work/one/dist
  check "make dist" made "$work/one" || { finish; exit 1; }
fi
other="$work/a folder of quite another name"
check "make dist in another folder" made "$other" && {
  check "the same files" diff <(cd "$given" && find . | sort) <(cd "$other/dist" && find . | sort)
  while read -r -d '' file; do
    check "$file is the same" cmp "$given/$file" "$other/dist/$file"
  done < <(cd "$given" && find . -type f -printf '%P\0' | sort -z)
}
finish
