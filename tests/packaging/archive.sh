#!/usr/bin/env bash
# The static library as it is handed out (tools/dist/archive.sh): small, with nothing to see but the functions of the header, and
# at home in any program: with other Rust libraries, all of it or what is reached, static or not, whichever the linker.
# HOST_LONG=1 fetches another Rust compiler if there is but one.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
for tool in gcc readelf objcopy; do
  command -v $tool >/dev/null || { skip "the archive" "no $tool"; finish; exit; }
done
unset LD_LIBRARY_PATH MAKEFLAGS

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
raw=$libdir/libnacos_auth.a archive=$work/libnacos_auth.a
check "the archive is made" tools/dist/archive.sh "$raw" "$archive" || { finish; exit 1; }
check "and again the same" eval "tools/dist/archive.sh '$raw' '$work/again.a' && cmp '$archive' '$work/again.a'"

# Each is true of the archive, and not of the one that rustc made.
symbols() { readelf -sW "$1" 2>/dev/null | awk -v binding="$2" '$5 ~ binding && NF >= 8 { print $7, $8 }' | sort -u; }
is_small() { [ "$(stat -Lc %s "$1")" -le $((9 * 1024 * 1024)) ]; }
shows_the_header_only() {
  diff <(printf '#include <nacos_auth.h>\n' | gcc -E -P -Iinclude -x c - | grep -v 'static inline' |
    grep -Eo '\bnacos_[a-z_]+ *\(' | tr -d ' (' | grep -v '_default$' | sort -u) \
    <(symbols "$1" 'GLOBAL|WEAK|UNIQUE' | awk '$1 != "UND" { print $2 }' | sort)
}
has_no_bitcode_and_debug() { ! readelf -SW "$1" 2>/dev/null | grep -Eq ' \.(llvm|debug_|zdebug_|gnu\.lto)'; }
has_no_groups() { ! readelf -gW "$1" 2>/dev/null | grep -q 'group section'; }
is_one_object() { [ "$(ar t "$1" | wc -l)" = 1 ]; }
for property in is_small shows_the_header_only has_no_bitcode_and_debug has_no_groups is_one_object; do
  check "it ${property//_/ }: $(stat -c %s "$archive") bytes" $property "$archive"
  check "planted: the one of rustc is refused by $property" eval "! $property '$raw' >/dev/null"
done
check "no executable stack" grep -q '\.note\.GNU-stack .* 00  *0 ' <<<"$(readelf -SW "$archive")"

# What it wants is in the C library and the compiler's: each library is searched for what is not weak.
nm -D --defined-only "$(gcc -print-file-name=libc.so.6)" "$(gcc -print-file-name=libm.so.6)" "$(gcc -print-file-name=libgcc_s.so.1)" \
  "$(gcc -print-file-name=ld-linux-x86-64.so.2)" 2>/dev/null | awk 'NF == 3 { sub(/@.*/, "", $3); print $3 }' >"$work/there"
# In the part of the C library that is always static.
echo pthread_atfork >>"$work/there"
sort -u "$work/there" >"$work/provided"
check "it wants what the C library and the compiler's have" \
  diff /dev/null <(symbols "$archive" GLOBAL | awk '$1 == "UND" { print $2 }' | grep -vx _GLOBAL_OFFSET_TABLE_ | comm -23 - "$work/provided")

# A program whose clock fails when it is told to, at which the standard library panics.
cat >"$work/panic.c" <<'C'
#include <errno.h>
#include <nacos_auth.h>
#include <stdio.h>
#include <time.h>
static int broken;
int __real_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
  if (broken) return errno = EINVAL, -1;
  return __real_clock_gettime(clock, time);
}
#ifdef OTHERS
int other_library(void);
#endif
int main(void) {
  nacos_auth *auth = NULL;
  nacos_error *error = NULL;
  nacos_auth_options options = nacos_auth_options_default();
  options.server_addr = "127.0.0.1:1";
  options.username = options.password = "nacos";
  broken = 1;
  if (nacos_auth_init(&options, &auth, &error) != NACOS_PANIC) return puts("no panic"), 1;
  broken = 0;
  nacos_error_free(error);
#ifdef OTHERS
  if (other_library() != 42) return puts("the other library fails"), 1;
#endif
  if (nacos_auth_init(&options, &auth, &error) != NACOS_OK) return puts(nacos_error_message(error)), 1;
  nacos_auth_free(auth);
  return puts("contained") < 0;
}
C
libraries=(-lutil -lrt -lpthread -lm -ldl)
# contains NAME OPTION…: a program that is linked so catches the panic.
contains() {
  local name=$1 output
  shift
  check "$name: builds" gcc -Iinclude -Wl,--wrap=clock_gettime -o "$work/panic" "$work/panic.c" "$@" "${libraries[@]}" || return
  output=$(timeout 60 "$work/panic" 2>"$work/said")
  if [ "$output" = contained ]; then pass "$name: a panic is contained"; else fail "$name: a panic is contained" "$output$(tail -n 5 "$work/said")"; fi
}
contains "shared C library" "$archive"
contains "all of it" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive
contains "what is reached" -Wl,--gc-sections "$archive"
contains "-static" -static "$archive"
contains "-static-pie" -static-pie "$archive"
contains "-static-libgcc" -static-libgcc "$archive"
lld=$(rustc --print sysroot 2>/dev/null)/lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld
if command -v ld.gold >/dev/null; then contains "gold" -fuse-ld=gold "$archive"; else skip "gold" "not installed"; fi
if [ -x "$lld/ld.lld" ]; then contains "lld" "-B$lld" -fuse-ld=lld "$archive"; else skip "lld" "not installed"; fi

# In the same program as another library in Rust, of this compiler and of another.
cat >"$work/other.rs" <<'RUST'
thread_local!(static SEEN: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) });
#[unsafe(no_mangle)]
pub extern "C" fn other_library() -> i32 {
    let panicked = std::panic::catch_unwind(|| std::thread::spawn(|| panic!("on purpose")).join().unwrap());
    SEEN.with_borrow_mut(|seen| seen.push(format!("{:?}", std::env::args().next())));
    if panicked.is_err() && SEEN.with_borrow(|seen| seen[0].contains("panic")) { 42 } else { 0 }
}
RUST
# beside NAME TOOLCHAIN
beside() {
  check "$1: builds" rustc ${2:+"$2"} --edition 2021 --crate-type staticlib -o "$work/other.a" "$work/other.rs" || return
  contains "before $1" -DOTHERS "$archive" "$work/other.a"
  contains "after $1" -DOTHERS "$work/other.a" "$archive"
  contains "all of it, with all of $1" -DOTHERS -Wl,--whole-archive "$archive" "$work/other.a" -Wl,--no-whole-archive
}
if command -v rustc >/dev/null; then
  beside "a library of the same compiler"
  others() { rustup toolchain list 2>/dev/null | grep -v active | sed 's/ .*//'; }
  version() { rustc "$@" --version | sed -E 's/rustc ([^ ]*) .*/\1/'; }
  [ -n "$(others)" ] || [ -z "${HOST_LONG:-}" ] || rustup toolchain install 1.88 --profile minimal >/dev/null 2>&1
  for toolchain in $(others); do
    if [ "$(version "+$toolchain")" != "$(version)" ]; then other=$toolchain; break; fi
  done
  if [ -n "${other:-}" ]; then
    beside "one of rustc $(version "+$other")" "+$other"
    check "planted: the archive of rustc clashes with it" eval "! gcc -Iinclude -DOTHERS -Wl,--wrap=clock_gettime \
      -o '$work/clash' '$work/panic.c' '$raw' '$work/other.a' ${libraries[*]} 2>'$work/said' && grep -q rust_eh_personality '$work/said'"
  else
    skip "a library of another compiler" "rustup has no other toolchain"
  fi
else
  skip "other libraries in Rust" "no rustc"
fi
finish
