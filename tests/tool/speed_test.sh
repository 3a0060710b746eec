#!/bin/bash
# What counting adds to a call, in a C loop of five million.
#   speed_test.sh SIGHOOK CALLS
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 times=5000000 bound_ns=15

# The loop's own time, told by the loop: the start of processes is not part of it.
best_of_five() { # command...
  for _ in 1 2 3 4 5; do "$@"; done | sort -n | head -n 1
}

plain=$(best_of_five "$calls" timed $times)
hooked=$(best_of_five "$sighook" count -q -o "$scratch/table" -e tick -- "$calls" timed $times)
equal "every call was counted" $times "$(calls_of "$scratch/table" tick@calls)"
added=$(((hooked - plain) * 10 / times))
sentence="a counted call costs $((added / 10)).$((added % 10)) ns more (loop alone $((plain / 1000000)) ms, counted $((hooked / 1000000)) ms)"
if [ "$added" -le $((bound_ns * 10)) ]; then
  ok "$sentence"
else
  not_ok "$sentence" "bound: $bound_ns ns"
fi
finish
