#!/usr/bin/env bash
# The packages of a release, made of the programs that the tests use in place of those of the long build, and used as tests/dist
# does; and that the same version stands everywhere.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# As in a checkout whose name has blanks.
stage="$work/the stage" dist="$work/the dist"
mkdir "$stage" "$dist" "$work/again" "$work/other"

check "one version everywhere" tools/versions.py
git ls-files -z | tar --null --files-from=- -c | tar -C "$work/other" -x
sed -i 's/^__version__ = .*/__version__ = "7.7.7"/' "$work/other/bindings/python/src/nacos_auth/__init__.py"
output=$("$work/other/tools/versions.py" 2>&1)
check "planted: another version is told" grep -q '__init__.py: 7.7.7, Cargo.toml has ' <<<"$output"
sed -i -E 's/(GIT_TAG v)[0-9.]+/\17.7.7/; s/(conan --version )[0-9.]+/\18.8.8/; s/(requires nacos-auth.)[0-9.]+/\19.9.9/' "$work/other/docs/c-and-cpp.md"
output=$("$work/other/tools/versions.py" 2>&1)
check "planted: another version in a command to copy is told" [ "$(grep -c 'c-and-cpp.md: [789][.789]*, ' <<<"$output")" = 3 ]
sed -i 's/^__version__ = .*//' "$work/other/bindings/python/src/nacos_auth/__init__.py"
output=$("$work/other/tools/versions.py" 2>&1)
check "planted: a version that is not found is told" grep -q '__init__.py: no version' <<<"$output"

cli=${NACOS_AUTH_CLI:-target/debug/nacos-auth}
if ! command -v dpkg-deb >/dev/null || [ ! -x "$cli" ]; then
  skip "the packages" "no dpkg-deb, or no $cli"
  finish
  exit
fi
cp "$libdir/libnacos_auth.so" "$libdir/libnacos_auth.a" "$stage/"
strip -o "$stage/nacos-auth" "$cli"
check "binary tarball" tools/dist/binary.sh "$stage" "$dist"
check "Debian packages" tools/dist/debs.sh "$stage" "$dist"
# Elsewhere, by somebody else, at another time.
check "the tarball is the same again" eval "(umask 077; cd / && TZ=Asia/Tokyo TMPDIR='$work/other' '$PWD/tools/dist/binary.sh' '$stage' '$work/again') &&
  cmp '$dist'/*.tar.gz '$work/again/'*.tar.gz"
check "checksums" eval "tools/dist/checksums.sh '$dist' && cd '$dist' && sha256sum --quiet -c SHA256SUMS"
tests/dist/native.sh "$dist" tarball debs quick
if [ -n "${HOST_LONG:-}" ]; then
  check "source tarball" tools/dist/source.sh "$dist"
  check "recipes" tools/dist/recipes.sh "$dist"
  tests/dist/cmake.sh "$dist"
fi
finish
