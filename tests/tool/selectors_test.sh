#!/bin/bash
# Selectors: every form picks what it says, and every name printed can be given again.
#   selectors_test.sh SIGHOOK CALLS NAMES [OFFSET INSIDE]
# OFFSET: of tock in CALLS, as 0xHEX; INSIDE: of its second instruction in it. They are looked up where they are not given.
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 names=$3
offset=${4:-$(offset_of_tock "$calls")} inside=${5:-$(length_in_tock "$calls")}
readonly offset inside

picked() { # the names of the table's rows, sorted, with calls
  local number name
  while read -r number name; do
    [ "$number" = calls ] || echo "$number $name"
  done <"$scratch/table" | sort | tr '\n' ';'
}

rows() { # selector...
  local options=()
  for selector in "$@"; do options+=(-e "$selector"); done
  "$sighook" count -o "$scratch/table" "${options[@]}" -- "$calls" plain -3 2>"$scratch/err" >"$scratch/out"
  picked
}

# `calls plain -3` calls tock once, tick never; `repeat` is inlined or static: a name of .symtab.
equal "a name" "1 tock@calls;" "$(rows tock)"
equal "a name in a module" "1 tock@calls;" "$(rows tock@calls)"
equal "a name in PROGRAM" "1 tock@calls;" "$(rows tock@PROGRAM)"
equal "a module, a bang and a name" "1 tock@calls;" "$(rows 'calls!tock')"
equal "a pattern" "1 tock@calls;" "$(rows 't[oi]ck')"
equal "an expression" "1 tock@calls;" "$(rows '/^toc[k]$/')"
equal "an expression in a module" "1 tock@calls;" "$(rows '/^toc/@calls')"
equal "two names in one option" "1 printf@plt;1 tock@calls;" "$(printed=$(rows 'tock,*printf*@plt') && echo "${printed/__printf_chk/printf}")"
printf '# a comment\ntock\n' >"$scratch/list"
equal "names from a file" "1 tock@calls;" "$(rows "@$scratch/list")"
equal "a place in a module" "1 calls+$offset;" "$(rows "calls+$offset")"
equal "the row's name can be given again" "1 calls+$offset;" "$(rows "$(rows "calls+$offset" | tr -d ' ;' | tail -c +2)")"
equal "a place in a function" "1 tock+$inside@calls;" "$(rows "tock+$inside")"
equal "its row's name can be given again" "1 tock+$inside@calls;" "$(rows "tock+$inside@calls")"

"$sighook" count -o "$scratch/table" -e 't?ck' -x tick -- "$calls" plain 2 2>"$scratch/err" >/dev/null
contains "-x leaves functions out" "$scratch/err" "1 function hooked"
"$sighook" count -o "$scratch/table" -- "$calls" plain 2 2>"$scratch/err" >/dev/null
equal "by default the program's own functions are counted" 2 "$(calls_of "$scratch/table" tick@calls)"
equal "and its calls of imported ones" 1 "$(count_like "$scratch/table" '*printf*@plt')"

# IFUNCs: the chosen function is counted, not the resolver, and the row says which.
"$sighook" count -o "$scratch/table" -e 'strlen@libc' -- "$names" 2>"$scratch/err" >/dev/null
equal "an IFUNC has the name that was asked for" 1 "$(count_like "$scratch/table" '*  strlen@libc.so.6 -> *')"
at_least "an IFUNC's calls are counted" 1000 "$(calls_of "$scratch/table" strlen@libc.so.6)"
# memcpy was changed in 2.14, before there was an AArch64; glob on both, in 2.27.
case $(uname -m) in
x86_64) changed=memcpy@GLIBC_2.14 old=memcpy@GLIBC_2.2.5 ;;
*) changed=memcpy@GLIBC_2.17 old=glob@GLIBC_2.17 ;;
esac
"$sighook" count -o "$scratch/table" -e "$changed" -- "$names" 2>"$scratch/err" >/dev/null
equal "a version picks a name" 1 "$(count_like "$scratch/table" '*memcpy@*')"
"$sighook" count -o "$scratch/table" -e "$old" -- "$names" 2>"$scratch/err" >/dev/null
contains "an old version picks another function" "$scratch/err" "1 function"
"$sighook" count -o "$scratch/table" -e strchr -e index -- "$names" 2>"$scratch/err" >/dev/null
contains "two names of one function have one row, and that is said" "$scratch/err" "is the same code as"

# C++.
equal "a demangled name" "7 shape::area@names;" "$(rows_of_names() {
  "$sighook" count -o "$scratch/table" -e "$1" -- "$names" 2>"$scratch/err" >/dev/null
  picked
}; rows_of_names 'shape::area')"
"$sighook" count -o "$scratch/table" -e 'shape::scale(double)' -- "$names" 2>"$scratch/err" >/dev/null
equal "parameters pick one of several" 5 "$(calls_of "$scratch/table")"
"$sighook" count -o "$scratch/table" -e 'shape::scale' -- "$names" 2>"$scratch/err" >/dev/null
equal "without them all are picked" 8 "$(calls_of "$scratch/table")"
"$sighook" count -o "$scratch/table" -e 'total<int, long>' -- "$names" 2>"$scratch/err" >/dev/null
equal "commas inside <> do not separate" 2 "$(calls_of "$scratch/table")"
finish
