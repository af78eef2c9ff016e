# shellcheck shell=bash disable=SC2034 # used by those who source it
# Sourced by the scripts here: what makes files the same bytes wherever and whenever they are written.
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# In an unpacked source tarball all files have the time of the commit.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  if [ -e .git ]; then SOURCE_DATE_EPOCH=$(git log -1 --format=%ct); else SOURCE_DATE_EPOCH=$(stat -c %Y Cargo.toml); fi
fi
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pack FOLDER FILE.tar.gz
pack() {
  tar --create --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "--mtime=@$SOURCE_DATE_EPOCH" \
    --directory="$(dirname "$1")" "$(basename "$1")" | gzip --no-name --best >"$2"
}

# machine_of FILE: what it is compiled for, as the kernel calls it.
machine_of() {
  case $(readelf --file-header "$1") in
  *X86-64*) echo x86_64 ;;
  *AArch64*) echo aarch64 ;;
  *) echo "$1 is for no machine that there are packages for" >&2 && return 1 ;;
  esac
}
