#!/bin/bash
# cc for the release build: it compiles and links against glibc 2.17, whatever the machine has. tools/dist/build.sh puts
# cargo-zigbuild, which knows what of rustc's and the cc crate's options zig takes, on the PATH.
set -eu
arguments=()
for argument; do
  # Zig links an unwinder of its own, which does for the command. The library's has to be the one of its program, for which
  # threads that are cancelled and exceptions of C++ go through frames of the library. Of the file only names and versions count.
  if [ "$argument" = -lgcc_s ] && [[ " $* " = *" -shared "* ]]; then
    argument=$(cc -print-file-name=libgcc_s.so.1)
  fi
  arguments+=("$argument")
done
exec cargo-zigbuild zig cc -- "${arguments[@]}" -target "$(uname -m)-linux-gnu.2.17"
