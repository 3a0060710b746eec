#!/bin/bash
# Where only a trap fits, a function gets one if no code is known that could block its signal.
#   last_test.sh SIGHOOK LAST LAST-WILD
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 last=$2 wild=$3

"$sighook" count -o "$scratch/table" -e last_resort -- "$last" >"$scratch/out" 2>"$scratch/err"
equal "a trap in a thread that blocks its signal: status" 0 "$?"
equal "its hits are counted" 5 "$(calls_of "$scratch/table" last_resort@last)"
contains "it is a trap" "$scratch/err" "; 1 function hooked (1 trap)"
"$sighook" count -o "$scratch/table" -e last_resort -- "$wild" >"$scratch/out" 2>"$scratch/err"
equal "beside code that may block it: status" 0 "$?"
contains "there is none, and it is said why" "$scratch/err" "; no trap, since last-wild may block its signal"
finish
