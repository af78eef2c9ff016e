#!/usr/bin/env bash
# source.sh OUT: OUT/nacos-auth-VERSION-source.tar.gz, the last commit with the crates that it is made of: cargo needs no network.
out=$(realpath "$1")
# shellcheck source=tools/dist/common.sh
source "$(dirname "$0")/common.sh"

name=nacos-auth-$version-source
git archive --prefix="$name/" HEAD | tar --extract --directory="$work"
cd "$work/$name"
cargo vendor --quiet --locked --versioned-dirs vendor
# Beside the settings of the linker.
cat >>.cargo/config.toml <<END

[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
END
pack "$PWD" "$out/$name.tar.gz"
