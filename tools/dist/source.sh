#!/usr/bin/env bash
# source.sh OUT: OUT/nacos-auth-VERSION-source.tar.gz, the last commit with the crates that it is made of: cargo needs no network.
out=$(realpath "$1")
source "$(dirname "$0")/common.sh"

name=nacos-auth-$version-source
git archive --prefix="$name/" HEAD | tar --extract --directory="$work"
cd "$work/$name"
cargo vendor --quiet --locked --versioned-dirs vendor >"$work/settings" 2>/dev/null
# The linker's settings are there already.
printf '\n# The crates are in vendor/.\n' | cat - "$work/settings" >>.cargo/config.toml
pack "$PWD" "$out/$name.tar.gz"
