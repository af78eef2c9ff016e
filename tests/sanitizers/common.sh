# shellcheck shell=bash
# Sourced after tests/c/common.sh: a library with a sanitizer of the nightly toolchain, and programs for it. The standard
# library is not built anew (its sources are not at hand everywhere), so what happens inside it is seen at its edges only:
# what it allocates and copies, not each access, and not its locks.
target=x86_64-unknown-linux-gnu

# sanitized NAME OPTION…: builds the library; sets libdir, and runtime to the sanitizer's archive.
sanitized() {
  local name=$1 root
  shift
  out=build/sanitizers/$name
  mkdir -p "$out/lib"
  if ! root=$(rustc +nightly --print sysroot 2>/dev/null); then skip "$name" "no nightly toolchain"; return 1; fi
  runtime=$(find "$root/lib/rustlib/$target/lib" -name "librustc-nightly_rt.${name:0:1}san.a" 2>/dev/null)
  if [ -z "$runtime" ] || ! command -v clang >/dev/null; then skip "$name" "no runtime in the nightly toolchain, or no clang"; return 1; fi
  # The programs and the library of all parts of this one build.
  rustflags="-Zsanitizer=$name $*"
  check "the library builds with -Zsanitizer=$name" in_nightly build --lib || return 1
  libdir=$PWD/$out/$target/debug
  ln -sf "$libdir/libnacos_auth.so" "$out/lib/libnacos_auth.so.1"
  export LD_LIBRARY_PATH=$PWD/$out/lib
}

# in_nightly COMMAND…: cargo, with the sanitizer.
in_nightly() {
  # Whole debug information: reports name functions by it.
  env -u CARGO_ENCODED_RUSTFLAGS RUSTFLAGS="$rustflags" CARGO_PROFILE_DEV_DEBUG=full cargo +nightly "$1" --target "$target" \
    --target-dir "$out" "${@:2}"
}

# program COMPILER STANDARD NAME SOURCE…: builds $out/NAME with the sanitizer, in the program and in the library.
program() {
  local compiler=$1 standard=$2 name=$3 linker=gcc source objects=()
  shift 3
  [ "$compiler" = clang ] || linker=g++
  for source in "$@"; do
    objects+=("$out/$name-$(basename "$source").o")
    # doctest's own file takes longest and hardly ever changes.
    [ "${objects[-1]}" -nt "$source" ] && [ "$(basename "$source")" = main.cpp ] && continue
    check "$name builds" "$compiler" "-std=$standard" -g -O1 -fno-omit-frame-pointer "-fsanitize=$sanitizer" -Iinclude -c "$source" \
      -o "${objects[-1]}" || return 1
  done
  check "$name links" $linker -rdynamic -o "$out/$name" "${objects[@]}" "${runtime_link[@]}" "-L$libdir" \
    -lnacos_auth -lpthread -ldl -lm -lrt
}

# planted NAME WORDS COMMAND…: the fault is reported, and the program fails.
planted() {
  local name=$1 words=$2 output
  shift 2
  output=$(timeout 120 "$@" 2>&1) && { fail "planted: $name is reported" "the program succeeded"; return; }
  if grep -q "$words" <<<"$output"; then pass "planted: $name is reported"; else fail "planted: $name is reported" "$output"; fi
}
