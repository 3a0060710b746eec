#!/bin/bash
# tests/run_cases.sh decides what counts as passed: a mistake there would hide every other one.
#   run_cases_test.sh RUN_CASES
set -uo pipefail
unset SIGHOOK_LONG
readonly run_cases=$1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
failures=0

# Runs `script` as a test and compares counts and exit status.
expect() { # sentence counts status script
  "$run_cases" "$results" probe 2 bash -c "$4" >/dev/null 2>&1
  local status=$? counts
  counts=$(cat "$results/probe")
  if [ "$counts" = "$2" ] && [ "$status" = "$3" ]; then
    echo "ok - $1"
  else
    echo "not ok - $1: counts '$counts' status $status, expected '$2' and $3"
    failures=$((failures + 1))
  fi
}

cmocka_lines='printf "%s\n" "[==========] Running 3 test(s)." "[ RUN      ] a" "[       OK ] a" "[  FAILED  ] b" \
  "[  SKIPPED ] c" "[==========] 3 test(s) run." "[  PASSED  ] 1 test(s)." "[  SKIPPED ] 1 test(s), listed below:" \
  "[  SKIPPED ] c" "[  FAILED  ] 1 test(s), listed below:" "[  FAILED  ] b"'

expect "script lines are counted"                  "2 0 1" 0  'echo "ok - a"; echo "ok - b"; echo "skip - c"'
expect "a failed case fails the test"              "1 1 0" 1  'echo "ok - a"; echo "not ok - b"; exit 1'
expect "a failed case fails in spite of status 0"  "1 1 0" 1  'echo "ok - a"; echo "not ok - b"'
expect "cmocka's summary is not counted again"     "1 1 1" 1  "$cmocka_lines; exit 1"
expect "two cmocka groups are both counted"        "2 2 2" 1  "$cmocka_lines; $cmocka_lines; exit 2"
expect "no case and status 0 is a failure"         "0 1 0" 1  'echo nothing'
expect "a bad status without a case is a failure"  "1 1 0" 1  'echo "ok - a"; exit 3'
expect "a signal is one failure more"              "1 1 0" 1  'echo "ok - a"; kill -SEGV $$'
expect "a hang is a failure"                       "1 1 0" 1  'echo "ok - a"; sleep 30'
expect "only skips are status 77"                  "0 0 1" 77 'echo "skip - a"'
expect "status 77 without a case is a skip"        "0 0 1" 77 'echo "no such cpu feature"; exit 77'
exit $((failures > 0))
