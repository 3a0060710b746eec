#!/bin/bash
# A program finds its signals as it set them, and its own pc and registers, while its functions and libc's are hooked, by branches
# and by traps.
#   signals_test.sh SIGHOOK SIGNALS WAITS FAULTS [SELECTORS]
# SELECTORS: what is hooked of libc; all of it where they are not given.
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 signals=$2 waits=$3 faults=$4 wide=${5:-*@libc} limit=60

run() { # name-of-results command...
  local name=$1 status=0
  shift
  timeout $limit "$@" >"$scratch/$name" 2>"$scratch/$name-error" || status=$?
  echo "status $status" >>"$scratch/$name"
}

compare() { # sentence program way option...
  local sentence=$1 command=("$2" "$3")
  shift 3
  run hooked "$sighook" count -q -o "$scratch/table" "$@" -- "${command[@]}"
  same_file "$sentence" "$scratch/plain" "$scratch/hooked"
}

finds_the_same() { # what program way
  local what=$1 own
  own="*@${2##*/},malloc,free,memset,strlen"
  shift
  run plain "$@"
  equal "$what: alone" "status 0" "$(tail -n 1 "$scratch/plain")"
  compare "$what: some functions by branches" "$@" -e "$own"
  compare "$what: some functions by traps" "$@" --force-trap -e "$own"
  compare "$what: libc by branches" "$@" -e "$wide"
  compare "$what: libc by traps" "$@" --force-trap -e "$wide,*@${1##*/}"
}

finds_the_same "the mask" "$signals" mask
finds_the_same "handlers" "$signals" actions
finds_the_same "signals sent while they are blocked" "$signals" pending
finds_the_same "a thread that waits for signals" "$waits" thread
finds_the_same "calls that wait with a mask" "$waits" masks
finds_the_same "what children inherit" "$signals" children
finds_the_same "signals that end a process" "$signals" ends
finds_the_same "faults" "$faults" see
finds_the_same "a profiler's samples" "$faults" profile

# Faults that are repaired are tried again in the displaced instruction.
"$sighook" count -q -o "$scratch/table" --force-trap -e 'fault_*@faults' -- "$faults" see >"$scratch/out"
equal "a repaired load is counted once for each call" 2 "$(calls_of "$scratch/table" fault_load@faults)"
equal "a division that is tried again is counted once" 1 "$(calls_of "$scratch/table" fault_divide@faults)"
finish
