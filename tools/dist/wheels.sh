#!/usr/bin/env bash
# wheels.sh STAGE OUT: of STAGE/libnacos_auth.so the library's wheel, its source package, and of STAGE/nacos-auth, if that is
# there, the command's wheel. The platform that a wheel claims comes from the versions of the symbols that the program wants;
# auditwheel has to agree. The same programs and the same commit give the same bytes.
stage=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
# shellcheck source=tools/dist/common.sh
source "$(dirname "$0")/common.sh"

tools=build/wheel-tools
if ! cmp -s tools/dist/wheels-requirements.txt $tools/requirements.txt; then
  python3 -m venv --clear $tools
  $tools/bin/pip install --quiet --disable-pip-version-check -r tools/dist/wheels-requirements.txt
  cp tools/dist/wheels-requirements.txt $tools/requirements.txt
fi
python=$PWD/$tools/bin/python

# build KIND PROJECT
build() { "$python" -m build --no-isolation "--$1" --outdir "$work/made" "$2" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }; }
platform_of() {
  (cd bindings/python && "$python" -c 'import pathlib, sys, hatch_build; print(hatch_build.platform_of(pathlib.Path(sys.argv[1])))' "$1")
}

mkdir "$work/made"
NACOS_AUTH_BUILD_LIBRARY=$stage/libnacos_auth.so build wheel bindings/python
build sdist bindings/python
if [ -e "$stage/nacos-auth" ]; then
  cp -r cli/python "$work/command"
  cp Cargo.toml LICENSE cli/THIRD-PARTY.txt "$work/command/"
  NACOS_AUTH_BUILD_COMMAND=$stage/nacos-auth NACOS_AUTH_BUILD_PLATFORM=$(platform_of "$stage/nacos-auth") \
    build wheel "$work/command"
fi

for wheel in "$work"/made/*.whl; do
  claimed=${wheel##*-py3-none-} shown=$("$python" -m auditwheel show "$wheel" | tr '\n' ' ')
  claimed=${claimed%.whl}
  # Of several names of one platform it shows the newest.
  if [[ $shown != *"is consistent with the following platform tag: \"${claimed%%.*}\""* ]]; then
    echo "$(basename "$wheel"): auditwheel does not agree: $shown" >&2
    exit 1
  fi
done
"$python" -m twine --no-color check --strict "$work"/made/* >"$work/log" || { cat "$work/log" >&2; exit 1; }
mv "$work"/made/* "$out/"
