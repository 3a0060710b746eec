#!/bin/bash
# Runs test programs of an arm64 build on an emulated machine under a real kernel.
#   system_test.sh KERNEL [BOOT-OPTION...] [--with FILE]... -- PROGRAM...
# Prints what the programs print, in which the runner counts the cases. SIGHOOK_LONG reaches the programs, which find the files beside
# them.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly here
seconds=380 long=''
[ -z "${SIGHOOK_LONG:-}" ] || seconds=1200 long='SIGHOOK_LONG=1 '
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

options=()
mkdir "$scratch/payload"
while [ "$1" != -- ]; do
  if [ "$1" = --with ]; then
    cp "$2" "$scratch/payload"
    shift
  else
    options+=("$1")
  fi
  shift
done
shift
for program; do
  cp "$program" "$scratch/payload"
  name=$(basename "$program")
  echo "$name $seconds $long./$name" >>"$scratch/payload/commands"
done

status=0
"$here/boot.sh" "${options[@]}" --results "$scratch/results" "$scratch/payload" >"$scratch/output" 2>&1 || status=$?
for program; do
  name=$(basename "$program")
  cat "$scratch/results/$name.log" 2>/dev/null || true
  # A program that ended badly without naming a case is one: the runner's own word for it.
  sed -n "s/^failed: $name: (/not ok - $name (/p" "$scratch/results/$name.notes" 2>/dev/null || echo "not ok - $name left no result"
done
[ "$status" = 0 ] || tail -n 20 "$scratch/output"
exit "$status"
