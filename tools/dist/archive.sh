#!/usr/bin/env bash
# archive.sh IN.a OUT.a: of Rust's static library, what a program can use, as one object file: the functions of the header and
# what they reach, nothing else visible, without debug information and bitcode. As rustc makes it, it has the whole standard
# library in it, and clashes with that of another Rust library in the same program.
# What stays: the code, in sections of their own, so that a program's linker can drop what that program does not reach; the tables
# for unwinding, since panics are caught at the boundary; of the symbols those that relocations name. LD, OBJCOPY, AR and READELF
# name the tools for another target.
set -eu
in=$1 out=$2
if [ "$(uname -s)" = Darwin ]; then # which has other tools: as it is
  exec install -m 644 "$in" "$out"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# By readelf, since nm and its like take the objects with bitcode for LLVM's where its plugin is installed.
"${READELF:-readelf}" -sW "$in" 2>/dev/null |
  awk '$4 == "FUNC" && $5 == "GLOBAL" && $7 != "UND" && $8 ~ /^nacos_/ { print $8 }' | sort -u >"$work/functions"
if [ ! -s "$work/functions" ]; then
  echo "$in has no function nacos_…: it is no static library of nacos-auth for ELF" >&2
  exit 1
fi
mapfile -t roots < <(sed 's/^/--undefined=/' "$work/functions")
# Groups are resolved: linkers know them by names, those of local symbols too, and would drop a part of this library for what
# another one has under the same name.
"${LD:-ld}" -r --gc-sections --force-group-allocation "${roots[@]}" -o "$work/nacos_auth.o" "$in"
"${OBJCOPY:-objcopy}" --keep-global-symbols="$work/functions" --strip-unneeded --remove-section=.comment \
  --remove-section='.llvm*' "$work/nacos_auth.o"
"${AR:-ar}" rcsD "$work/out.a" "$work/nacos_auth.o"
install -m 644 "$work/out.a" "$out"
