#!/bin/bash
# Selectors: every form picks what it says, and every name printed can be given again.
#   selectors_test.sh SIGHOOK CALLS NAMES
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 names=$3

rows() { # selector... : the names of the rows, sorted, with calls
  local options=()
  for selector in "$@"; do options+=(-e "$selector"); done
  "$sighook" count -o "$scratch/table" "${options[@]}" -- "$calls" plain -3 2>"$scratch/err" >"$scratch/out"
  awk 'NR > 1 { print $1, $2 }' "$scratch/table" | sort | tr '\n' ';'
}

# `calls plain -3` calls tock once, tick never; `repeat` is inlined or static: a name of .symtab.
equal "a name" "1 tock@calls;" "$(rows tock)"
equal "a name in a module" "1 tock@calls;" "$(rows tock@calls)"
equal "a name in PROGRAM" "1 tock@calls;" "$(rows tock@PROGRAM)"
equal "a module, a bang and a name" "1 tock@calls;" "$(rows 'calls!tock')"
equal "a pattern" "1 tock@calls;" "$(rows 't[oi]ck')"
equal "an expression" "1 tock@calls;" "$(rows '/^toc[k]$/')"
equal "an expression in a module" "1 tock@calls;" "$(rows '/^toc/@calls')"
equal "two names in one option" "1 printf@plt;1 tock@calls;" "$(rows 'tock,printf@plt' | sed 's/__printf_chk/printf/')"
printf '# a comment\ntock\n' >"$scratch/list"
equal "names from a file" "1 tock@calls;" "$(rows "@$scratch/list")"
offset=$(nm "$calls" | awk '$3 == "tock" { printf "0x%x", strtonum("0x" $1) }' 2>/dev/null)
[ -n "$offset" ] || offset=0x$(nm "$calls" | sed -n 's/^0*\([0-9a-f]*\) T tock$/\1/p')
equal "a place in a module" "1 calls+$offset;" "$(rows "calls+$offset")"
equal "the row's name can be given again" "1 calls+$offset;" "$(rows "$(rows "calls+$offset" | sed 's/^1 //; s/;//')")"
second=$(objdump -d --no-show-raw-insn "$calls" | awk '/<tock>:/ { at = 1; next } at == 2 { sub(":", "", $1); print $1; exit } at { at++ }')
inside=$(printf '0x%x' $((0x$second - offset)))
equal "a place in a function" "1 tock+$inside@calls;" "$(rows "tock+$inside")"
equal "its row's name can be given again" "1 tock+$inside@calls;" "$(rows "tock+$inside@calls")"

"$sighook" count -o "$scratch/table" -e 't?ck' -x tick -- "$calls" plain 2 2>"$scratch/err" >/dev/null
contains "-x leaves functions out" "$scratch/err" "1 function hooked"
"$sighook" count -o "$scratch/table" -- "$calls" plain 2 2>"$scratch/err" >/dev/null
equal "by default the program's own functions are counted" 2 "$(calls_of "$scratch/table" tick@calls)"
equal "and its calls of imported ones" 1 "$(grep -c 'printf.*@plt$' "$scratch/table")"

# IFUNCs: the chosen function is counted, not the resolver, and the row says which.
"$sighook" count -o "$scratch/table" -e 'strlen@libc' -- "$names" 2>"$scratch/err" >/dev/null
equal "an IFUNC has the name that was asked for" 1 "$(grep -c '  strlen@libc.so.6 -> ' "$scratch/table")"
if [ "$(calls_of "$scratch/table" strlen@libc.so.6)" -ge 1000 ]; then
  ok "an IFUNC's calls are counted"
else
  not_ok "an IFUNC's calls are counted" "$(cat "$scratch/table")"
fi
"$sighook" count -o "$scratch/table" -e 'memcpy@GLIBC_2.14' -- "$names" 2>"$scratch/err" >/dev/null
equal "a version picks a name" 1 "$(awk 'NR > 1' "$scratch/table" | grep -c 'memcpy@')"
"$sighook" count -o "$scratch/table" -e 'memcpy@GLIBC_2.2.5' -- "$names" 2>"$scratch/err" >/dev/null
contains "an old version picks another function" "$scratch/err" "1 function"
"$sighook" count -o "$scratch/table" -e strchr -e index -- "$names" 2>"$scratch/err" >/dev/null
contains "two names of one function have one row, and that is said" "$scratch/err" "is the same code as"

# C++.
equal "a demangled name" "7 shape::area@names;" "$(rows_of_names() {
  "$sighook" count -o "$scratch/table" -e "$1" -- "$names" 2>"$scratch/err" >/dev/null
  awk 'NR > 1' "$scratch/table" | sed 's/^ *//; s/  */ /' | sort | tr '\n' ';'
}; rows_of_names 'shape::area')"
"$sighook" count -o "$scratch/table" -e 'shape::scale(double)' -- "$names" 2>"$scratch/err" >/dev/null
equal "parameters pick one of several" 5 "$(awk 'NR > 1 { sum += $1 } END { print sum + 0 }' "$scratch/table")"
"$sighook" count -o "$scratch/table" -e 'shape::scale' -- "$names" 2>"$scratch/err" >/dev/null
equal "without them all are picked" 8 "$(awk 'NR > 1 { sum += $1 } END { print sum + 0 }' "$scratch/table")"
"$sighook" count -o "$scratch/table" -e 'total<int, long>' -- "$names" 2>"$scratch/err" >/dev/null
equal "commas inside <> do not separate" 2 "$(awk 'NR > 1 { sum += $1 } END { print sum + 0 }' "$scratch/table")"
finish
