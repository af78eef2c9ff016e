#!/usr/bin/env bash
# The shared library as a file: what the loader is asked to protect, what it shows the world, and that it does not tell where it
# was built. Each check is shown to fail, with a bad library of its own.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
soname=libnacos_auth.so.1

# has/lacks TEXT PATTERN
has() { grep -Eq -- "$2" <<<"$1"; }
lacks() { ! has "$1" "$2"; }

is_position_independent() { has "$(readelf -hW "$1")" 'Type: +DYN'; }
has_relro() { has "$(readelf -lW "$1")" '^ +GNU_RELRO '; }
binds_now() { has "$(readelf -dW "$1")" '\(FLAGS\).*BIND_NOW|\(BIND_NOW\)|\(FLAGS_1\).*NOW'; }
has_no_executable_stack() { has "$(readelf -lW "$1")" '^ +GNU_STACK .* RW +0'; }
has_no_writable_code() { lacks "$(readelf -lW "$1")" '^ +LOAD .* RWE '; }
has_no_path() { lacks "$(readelf -dW "$1")" '\((RPATH|RUNPATH)\)'; }
has_no_text_relocations() { lacks "$(readelf -dW "$1")" 'TEXTREL'; }
has_soname() { has "$(readelf -dW "$1")" "\(SONAME\).*\[${soname//./\\.}\]"; }
stays_loaded() { has "$(readelf -dW "$1")" '\(FLAGS_1\).*NODELETE'; }
exports_only_nacos() {
  local names
  names=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }')
  has "$names" '^nacos_auth_init' && ! grep -Evq '^nacos_[a-z_]+(@@NACOS_AUTH_[0-9]+)?$' <<<"$names"
}
is_stripped() { lacks "$(readelf -SW "$1")" '\.(symtab|debug_info)'; }
# Of the sources, of cargo's cache, of the one who built it.
tells_no_path() {
  local places=("$PWD/" "$(realpath -m "${CARGO_HOME:-$HOME/.cargo}")/" "$(realpath -m "$HOME")/" /home/ .cargo/registry)
  ! strings -a "$1" | grep -F "$(printf '%s\n' "${places[@]}")" | grep -F . >"$work/told" || { head -n 5 "$work/told"; return 1; }
}
checks=(is_position_independent has_relro binds_now has_no_executable_stack has_no_writable_code has_no_path
  has_no_text_relocations has_soname stays_loaded exports_only_nacos is_stripped tells_no_path)

library=$libdir/libnacos_auth.so
for name in "${checks[@]}"; do check "the library ${name//_/ }" "$name" "$library"; done
check "the archive tells no path" tells_no_path "$libdir/libnacos_auth.a"

# A library that passes, and one for each check that does not.
printf 'int nacos_auth_init(void) { return 0; }\n' >"$work/good.c"
printf 'int nacos_auth_init(void) { return 0; }\nint other_function(void) { return 1; }\n' >"$work/more.c"
printf 'const char *nacos_auth_init(void) { return "%s/src/lib.rs"; }\n' "$PWD" >"$work/path.c"
# Code that names a place by its address.
printf '.text\n.globl nacos_auth_init\n.type nacos_auth_init,@function\nnacos_auth_init:\nmovabs $nacos_auth_init, %%rax\nret\n.section .note.GNU-stack,"",@progbits\n' >"$work/text.s"
printf '.section .data.code,"awx"\n.globl nacos_auth_init\n.type nacos_auth_init,@function\nnacos_auth_init:\nret\n.section .note.GNU-stack,"",@progbits\n' >"$work/writable.s"
stripped=-s
good=(-shared -fPIC "-Wl,-soname,$soname" -Wl,-z,relro,-z,now,-z,noexecstack,-z,nodelete)
# bad CHECK SOURCE OPTION…: the library is like the good one but for that, and only this check fails.
bad() {
  local name=$1 source=$2 other failing=
  shift 2
  gcc $stripped "${good[@]}" -o "$work/bad.so" "$work/$source" "$@" 2>"$work/complaints" || { fail "planted: for $name" "$(cat "$work/complaints")"; return; }
  for other in "${checks[@]}"; do "$other" "$work/bad.so" >/dev/null || failing+=" $other"; done
  if [ "$failing" = "${name:+ $name}" ]; then pass "planted: ${name:-nothing} fails"; else fail "planted: $name fails" "failing:$failing"; fi
}
bad "" good.c
bad has_relro good.c -Wl,-z,norelro
bad binds_now good.c -Wl,-z,lazy
bad has_no_executable_stack good.c -Wl,-z,execstack
bad has_no_writable_code writable.s
bad has_no_path good.c -Wl,-rpath,/opt/lib
bad has_no_path good.c -Wl,-rpath,/opt/lib,--disable-new-dtags
bad has_no_text_relocations text.s -Wl,-z,notext
bad has_soname good.c -Wl,-soname,libnacos_auth.so.2
bad exports_only_nacos more.c
bad tells_no_path path.c
stripped=-g
bad is_stripped good.c "-ffile-prefix-map=$PWD=/nowhere"
stripped=-s good=("${good[@]/,-z,nodelete/}")
bad stays_loaded good.c
printf 'int nacos_auth_init(void) { return 0; }\nint main(void) { return nacos_auth_init(); }\n' >"$work/program.c"
gcc -no-pie -o "$work/program" "$work/program.c"
check "planted: is_position_independent fails" eval "! is_position_independent '$work/program'"
finish
