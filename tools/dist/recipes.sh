#!/usr/bin/env bash
# recipes.sh OUT: OUT/conan and OUT/vcpkg, the recipes for these two, with the version and the checksum of the source tarball in
# OUT that they fetch.
out=$(realpath "$1")
# shellcheck source=tools/dist/common.sh
source "$(dirname "$0")/common.sh"

tarball=$out/nacos-auth-$version-source.tar.gz
sha256=$(sha256sum "$tarball" | cut -d' ' -f1)
sha512=$(sha512sum "$tarball" | cut -d' ' -f1)
for kind in conan vcpkg; do
  git ls-files "packaging/$kind" | while read -r file; do
    install -d "$out/$(dirname "${file#packaging/}")"
    sed "s/@VERSION@/$version/g; s/@SHA256@/$sha256/g; s/@SHA512@/$sha512/g" "$file" >"$out/${file#packaging/}"
  done
done
