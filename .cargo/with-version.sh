#!/bin/sh
# Links, as cc does, and gives what the shared library exports the symbol version NACOS_AUTH_1: rustc hands the linker a
# script that names the functions without a version, and linkers take no second one for the same names. NACOS_AUTH_CC is
# another compiler to link with: see tools/dist/build.sh.
for argument; do
  case $argument in
  -Wl,--version-script=*)
    script=${argument#-Wl,--version-script=}
    if grep -q nacos_auth_init "$script"; then
      sed -i '1s/^{/NACOS_AUTH_1 {/' "$script"
    fi
    ;;
  esac
done
exec "${NACOS_AUTH_CC:-cc}" "$@"
