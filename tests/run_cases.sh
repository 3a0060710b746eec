#!/bin/bash
# Runs one test program and counts its test cases, so that ./run can sum cases instead of executables.
#
#   run_cases.sh RESULTS NAME SECONDS COMMAND [ARGUMENT...]
#
# Leaves "<passed> <failed> <skipped>" in RESULTS/NAME, the output in RESULTS/NAME.log and what failed or was skipped, one
# case a line, in RESULTS/NAME.notes. Exit status: 0 all passed, 77 only skips, 1 otherwise. Recognised are the lines of
# cmocka and `ok - name`, `not ok - name`, `skip - name`. A program that dies, hangs or fails without naming a case is one
# failure, and so is one that succeeds without having run a case. Exit status 77 without a case is one skip.
set -uo pipefail

readonly results=$1 name=$2
limit=$3
shift 3
[ -z "${SIGHOOK_LONG:-}" ] || limit=$((limit * 10))

mkdir -p "$results"
readonly log=$results/$name.log cases=$results/$name.cases
rm -f "$results/$name" "$results/$name.notes"

# Into a file, not a pipe: a process that the test left behind must not keep this script waiting.
timeout --kill-after=5 "$limit" "$@" </dev/null >"$log" 2>&1
status=$?

# One line a case: "passed|failed|skipped <name>". cmocka repeats failed and skipped cases after "N test(s) run.".
list_cases() {
  awk '
    /^\[==========\] Running /             { summary = 0 }
    /^\[==========\] [0-9]+ test\(s\) run/ { summary = 1 }
    sub(/^\[       OK \] /, "") || sub(/^ok ([0-9]+ )?- /, "")                  { print "passed " $0; next }
    sub(/^not ok ([0-9]+ )?- /, "") || (!summary && sub(/^\[  FAILED  \] /, "")) { print "failed " $0; next }
    sub(/^skip - /, "") || (!summary && sub(/^\[  SKIPPED \] /, ""))             { print "skipped " $0 }' "$log"
}

count() { # kind
  grep -c "^$1 " "$cases"
}

# What the program's end says beyond its cases.
judge_end() {
  if [ "$status" = 77 ] && [ ! -s "$cases" ]; then
    echo "skipped $(tail -n 1 "$log")"
  elif [ "$status" -ge 124 ]; then
    # 124 and 137: out of time; above 128: a signal. Either is a failure beside those that were named before.
    echo "failed (ended with status $status, limit $limit s)"
  elif [ "$status" != 0 ] && [ "$(count failed)" = 0 ]; then
    echo "failed (ended with status $status without naming a failed case)"
  elif [ ! -s "$cases" ]; then
    echo "failed (ran no test case)"
  fi
}

list_cases >"$cases"
judge_end >"$cases.end"
cat "$cases.end" >>"$cases"
cat "$log" "$cases.end"
sed -nE "s/^(failed|skipped) /\\1: $name: /p" "$cases" >"$results/$name.notes"
echo "$(count passed) $(count failed) $(count skipped)" >"$results/$name"

[ "$(count failed)" = 0 ] || exit 1
[ "$(count passed)" != 0 ] || exit 77
