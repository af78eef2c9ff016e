#!/usr/bin/env bash
# all.sh OUT: everything that a release is, for the machine that this runs on. The same commit gives the same bytes.
# shellcheck source=tools/dist/common.sh
source "$(dirname "$0")/common.sh"
[ -z "$(git status --porcelain)" ] || {
  echo "a release is made of what is committed, and this is not: $(git status --short | head -n 5 | tr '\n' ' ')" >&2
  exit 1
}
commit=$(git rev-parse HEAD)
out=$(realpath -m "$1")
stage=$PWD/build/dist/linux_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
rm -rf "$out"
mkdir -p "$out"

step() { tools/step.sh "$@"; }
step "the programs" tools/dist/build.sh "$stage"
step "source tarball" tools/dist/source.sh "$out"
step "recipes for Conan and vcpkg" tools/dist/recipes.sh "$out"
step "binary tarball" tools/dist/binary.sh "$stage" "$out"
step "Debian packages" tools/dist/debs.sh "$stage" "$out"
# They are for one machine so far; what a release has of them is made there.
[ "$(uname -m)" != x86_64 ] || step "Go modules" tools/dist/go-modules.sh "$stage" "$out"
step "Python wheels" tools/dist/wheels.sh "$stage" "$out"
step "bills of materials" tools/sbom.sh
cp build/nacos-auth.cdx.json "$out/libnacos-auth-$version.cdx.json"
cp build/nacos-auth-cli.cdx.json "$out/nacos-auth-cli-$version.cdx.json"
[ "$(git rev-parse HEAD) $(git status --porcelain)" = "$commit " ] || {
  echo "the checkout has changed while the release was made of it: what is in $out does not fit together" >&2
  exit 1
}
tools/dist/checksums.sh "$out"
(cd "$out" && find . -maxdepth 1 -type f -printf '%P\0' | sort -z | xargs -0 ls -l --human-readable | awk '{ print $5, $9 }')
