#!/bin/bash
# Counts are exact, however a process runs and ends; and the target ends as it would without us.
#   count_test.sh SIGHOOK CALLS [CHILDREN PROGRAMS]
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 children=${3:-20000} programs=${4:-600} table=$scratch/table

# Runs one way, and compares calls, status and output with those expected.
ticks() { # sentence expected-calls expected-status way count
  local status=0
  "$sighook" count -o "$table" -e tick -- "$calls" "$4" "$5" >"$scratch/out" 2>"$scratch/err" || status=$?
  equal "$1: calls" "$2" "$(calls_of "$table" tick@calls)"
  equal "$1: status" "$3" "$status"
}

ticks "a program that returns" 1000 0 plain 1000
equal "its output is its own" 1000 "$(cat "$scratch/out")"
ticks "eight threads at once" 900000 0 threads 100000
ticks "children made by fork" 500000 0 fork 100000
ticks "children made by fork that start threads, of a parent that had some" 3700000 0 fork-threads 100000
ticks "a program that executes another" 2000 0 exec 1000
ticks "a program that executes another by its descriptor" 2000 0 fexec 1000
ticks "a program that executes another relative to a folder" 2000 0 at 1000
ticks "a program that spawns another" 2000 0 spawn 1000
ticks "a program that executes another in a child of vfork" 2000 0 vfork 1000
ticks "a program that ends by _exit" 500 3 _exit 500
ticks "a program that ends by exit" 500 7 exit 500
ticks "a program that kills itself" 500 137 kill 500
ticks "a program that crashes" 500 139 segv 500
ticks "a program that aborts" 500 134 abort 500

ends_like() { # sentence way status-expression
  # shellcheck disable=SC2016  # the inner shell's
  bash -c '"$@"; exit $?' - "$sighook" count -o "$table" -e tick -- "$calls" "$2" 1 2>"$scratch/err" >&2
  equal "$1" "$3" "$?"
}
ends_like "dies of SIGSEGV itself" segv 139
contains "says so in the last line" "$scratch/err" "sighook: calls was killed by SIGSEGV, "

# The rest of the last line.
"$sighook" count -o "$table" -e 'tick,tock' -- "$calls" plain 5 >"$scratch/out" 2>"$scratch/err"
contains "functions hooked, and how" "$scratch/err" "; 2 functions hooked ("
contains "never called" "$scratch/err" ", 1 never called, 0 lost"
equal "functions never called have no row" 0 "$(count_like "$table" "*tock*")"
equal "the table has its head" "     calls  function" "$(head -n 1 "$table")"
equal "the table has its row" "         5  tick@calls" "$(tail -n 1 "$table")"

# Several programs: a block each.
"$sighook" count -o "$table" -e 'write@libc' -- sh -c "$calls plain 1; $calls threads 1; cat /dev/null" \
  >"$scratch/out" 2>"$scratch/err"
contains "processes of one program share a block" "$table" "# calls (2 processes, 10 threads)"
contains "another program has its own" "$table" "# cat (1 process, 1 thread)"

"$sighook" count -o "$table" --exe calls -e tick -- sh -c "$calls plain 3; $calls plain 4" >"$scratch/out" 2>"$scratch/err"
equal "--exe takes the programs named" 7 "$(calls_of "$table" tick@calls)"
equal "--exe leaves the others out" 0 "$(count_like "$table" "#*")"
"$sighook" count -o "$table" --no-follow -e tick -- "$calls" fork 10 >"$scratch/out" 2>"$scratch/err"
equal "--no-follow leaves children out" 20 "$(calls_of "$table" tick@calls)"
"$sighook" count -o "$table" --no-follow -e tick -- "$calls" spawn 10 >"$scratch/out" 2>"$scratch/err"
equal "--no-follow leaves executed programs out" 10 "$(calls_of "$table" tick@calls)"
"$sighook" count -q -o "$table" -e tick -- "$calls" plain 1 >"$scratch/out" 2>"$scratch/err"
equal "-q leaves standard error alone" "" "$(cat "$scratch/err")"

# More processes than there are places at a time, and more than the shared memory could hold if nothing were taken back.
"$sighook" count -o "$table" -e tick -- "$calls" many "$children" >"$scratch/out" 2>"$scratch/err"
equal "thousands of children" "$children" "$(calls_of "$table" tick@calls)"
contains "thousands of children, none lost" "$scratch/err" " 0 lost"
"$sighook" count -o "$table" --exe calls -e tick -- sh -c "i=0; while [ \$i -lt $programs ]; do $calls fork 1; i=\$((i+1)); done" \
  >"$scratch/out" 2>"$scratch/err"
equal "hundreds of programs executed" $((programs * 5)) "$(calls_of "$table" tick@calls)"
contains "hundreds of programs executed, none lost" "$scratch/err" " 0 lost"
finish
