#!/bin/bash
# The command where the shared memory that it counts in is refused, or must not be executable: it says so and runs nothing, or
# works.
#   memory_test.sh SIGHOOK CALLS FORBID
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 forbid=$3

count_under() { # command...
  "$@" "$sighook" count -q -o "$scratch/table" -e tick -- "$calls" plain 7 >"$scratch/out" 2>"$scratch/err" </dev/null
  status=$?
}

count_under env
equal "alone: status" 0 "$status"
cp "$scratch/table" "$scratch/table-alone"
cp "$scratch/out" "$scratch/out-alone"
at_least "alone: something is counted" 1 "$(calls_of "$scratch/table" tick@calls)"

rm "$scratch/table"
count_under "$forbid"
equal "memfd_create refused: status" 125 "$status"
equal "memfd_create refused: what it says" \
  "sighook: no shared memory for the target's counters: Operation not permitted; not run" "$(cat "$scratch/err")"
equal "memfd_create refused: nothing is run" "" "$(cat "$scratch/out")"
equal "memfd_create refused: there is no table, or an empty one" "" "$(cat "$scratch/table" 2>/dev/null)"

# vm.memfd_noexec is one setting a space of process numbers. 1: memory files are not executable unless asked for; 2: never.
for setting in 1 2; do
  # shellcheck disable=SC2016  # the inner shell's
  in_own_space=(unshare --pid --fork --mount-proc sh -c 'echo "$0" >/proc/sys/vm/memfd_noexec && exec "$@"' "$setting")
  if ! "${in_own_space[@]}" true 2>/dev/null; then
    echo "skip - vm.memfd_noexec=$setting: it is not there, or may not be set"
    continue
  fi
  count_under "${in_own_space[@]}"
  equal "vm.memfd_noexec=$setting: status" 0 "$status"
  same_file "vm.memfd_noexec=$setting: output" "$scratch/out-alone" "$scratch/out"
  same_file "vm.memfd_noexec=$setting: standard error" /dev/null "$scratch/err"
  same_file "vm.memfd_noexec=$setting: table" "$scratch/table-alone" "$scratch/table"
done
finish
