#!/bin/bash
# One example, without and with its payload: standard output compared to the byte, nothing on standard error, status 0.
#   example_test.sh FOLDER UNHOOKED HOOKED [QEMU_USER [OPTION...]]
set -uo pipefail
readonly folder=$1 unhooked=$2 hooked=$3 emulator=("${@:4}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

expect() { # sentence line command...
  local sentence=$1 line=$2 status=0
  shift 2
  "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  if [ "$status" = 0 ] && [ ! -s "$scratch/err" ] && printf '%s\n' "$line" | cmp -s - "$scratch/out"; then
    echo "ok - $sentence"
  else
    echo "not ok - $sentence: status $status, stdout '$(cat "$scratch/out")', stderr '$(cat "$scratch/err")'"
    failures=$((failures + 1))
  fi
}

expect "without the payload: $unhooked" "$unhooked" "${emulator[@]}" "$folder/target"
if [ ${#emulator[@]} = 0 ]; then
  preload=(env "LD_PRELOAD=$folder/payload.so")
else
  preload=("${emulator[@]}" -E "LD_PRELOAD=$folder/payload.so")
fi
expect "with the payload: $hooked" "$hooked" "${preload[@]}" "$folder/target"
exit $((failures > 0))
