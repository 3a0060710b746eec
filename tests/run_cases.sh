#!/bin/bash
# Runs one test program and counts its test cases, so that ./run can sum cases instead of executables.
#
#   run_cases.sh RESULTS NAME SECONDS COMMAND [ARGUMENT...]
#
# Leaves "<passed> <failed> <skipped>" in RESULTS/NAME, the output in RESULTS/NAME.log and the skipped cases, one a line, in
# RESULTS/NAME.skipped. Exit status: 0 all passed, 77 only skips, 1 otherwise. Recognised are the lines of cmocka and
# `ok - name`, `not ok - name`, `skip - name`. A program that dies, hangs or fails without naming a case is one failure, and
# so is one that succeeds without having run a case. Exit status 77 without a case is one skip.
set -uo pipefail

readonly results=$1 name=$2
limit=$3
shift 3
[ -z "${SIGHOOK_LONG:-}" ] || limit=$((limit * 10))

mkdir -p "$results"
readonly log=$results/$name.log
rm -f "$results/$name" "$results/$name.skipped"

# Into a file, not a pipe: a process that the test left behind must not keep this script waiting.
timeout --kill-after=5 "$limit" "$@" </dev/null >"$log" 2>&1
status=$?

# cmocka repeats failed and skipped cases after "N test(s) run.".
count_cases() {
  awk '
    /^\[==========\] Running /              { summary = 0 }
    /^\[==========\] [0-9]+ test\(s\) run/  { summary = 1 }
    /^\[       OK \] / || /^ok ([0-9]+ )?- / { passed++ }
    /^not ok ([0-9]+ )?- / || (/^\[  FAILED  \] / && !summary) { failed++ }
    /^skip - / || (/^\[  SKIPPED \] / && !summary) { skipped++ }
    END { print passed + 0, failed + 0, skipped + 0 }' "$log"
}

list_skipped() {
  awk -v test="$name" '
    /^\[==========\] Running /             { summary = 0 }
    /^\[==========\] [0-9]+ test\(s\) run/ { summary = 1 }
    /^skip - /                             { print "skipped: " test ": " substr($0, 8) }
    /^\[  SKIPPED \] / && !summary         { print "skipped: " test ": " substr($0, 14) }' "$log"
}

read -r passed failed skipped < <(count_cases)
list_skipped >"$results/$name.skipped"
cat "$log"

if [ "$status" = 77 ] && [ $((passed + failed + skipped)) = 0 ]; then
  skipped=1
  echo "skipped: $name: $(tail -n 1 "$log")" >"$results/$name.skipped"
elif [ "$status" -ge 124 ]; then
  # 124 and 137: out of time; above 128: a signal. Either is a failure beside those that were named before.
  echo "run_cases: $name ended with status $status (limit $limit s)"
  failed=$((failed + 1))
elif [ "$status" != 0 ] && [ "$failed" = 0 ]; then
  echo "run_cases: $name ended with status $status without naming a failed case"
  failed=1
elif [ $((passed + failed + skipped)) = 0 ]; then
  echo "run_cases: $name ran no test case"
  failed=1
fi
[ -s "$results/$name.skipped" ] || rm -f "$results/$name.skipped"
echo "$passed $failed $skipped" >"$results/$name"

[ "$failed" = 0 ] || exit 1
[ "$passed" != 0 ] || exit 77
