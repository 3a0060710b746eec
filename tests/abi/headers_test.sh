#!/bin/bash
# Every public header compiles by itself, twice in a row, as strict C11 and C++17, with both compilers.
#   headers_test.sh INCLUDE_FOLDER
set -uo pipefail
readonly include=$1
failures=0

compile() { # sentence header command...
  local sentence=$1 header=$2 output
  shift 2
  if output=$(printf '#include <%s>\n#include <%s>\nextern int unit_is_not_empty;\n' "$header" "$header" |
    "$@" -pedantic -Wall -Wextra -Werror -fsyntax-only -I"$include" - 2>&1); then
    echo "ok - $sentence"
  else
    echo "not ok - $sentence"
    echo "$output"
    failures=$((failures + 1))
  fi
}

for path in "$include"/sighook/*.h; do
  header=sighook/${path##*/}
  for pair in gcc:g++ clang:clang++; do
    if ! command -v "${pair%:*}" >/dev/null; then
      echo "skip - $header with ${pair%:*}, which is not installed"
      continue
    fi
    compile "$header is C11 for ${pair%:*}" "$header" "${pair%:*}" -std=c11 -x c
    compile "$header is C++17 for ${pair#*:}" "$header" "${pair#*:}" -std=c++17 -x c++
  done
  if command -v clang >/dev/null; then
    compile "$header is C11 for AArch64" "$header" clang --target=aarch64-linux-gnu -ffreestanding -std=c11 -x c
  else
    echo "skip - $header for AArch64 needs clang"
  fi
done
exit $((failures > 0))
