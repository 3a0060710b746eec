#!/bin/bash
# What would stand at functions and instructions: as many answers as sites, each reason told, and nothing of the program runs.
#   list_test.sh SIGHOOK CALLS STATIC
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 static=$3
libc=$(echo /lib/*-linux-gnu/libc.so.6)
readonly libc

list "$calls" plain 1
adds_up "a program's functions" 10
equal "its sites without a branch are named" $((trap + refused)) "$(($(wc -l <"$scratch/out") - 2))"
list --instructions "$calls"
adds_up "a program's instructions" 100
list -e 'tick,tock' "$calls"
adds_up "functions that are selected" 2
equal "not more than these" 2 "$of"
list -e 't?ck' -x tick "$calls"
equal "-x leaves functions out" 1 "$of"
list -e '*@plt' "$calls"
adds_up "stubs of imports" 5
list -e malloc "$calls"
equal "a function of a library" 1 "$of"
list -e 'strlen@libc' "$calls"
equal "an IFUNC" 1 "$of"

# Instructions are told from each other as a disassembler does.
if command -v objdump >/dev/null; then
  list --instructions -e tick "$calls"
  equal "a function's instructions are those that objdump shows" \
    "$(objdump -d --no-show-raw-insn --disassemble=tick "$calls" | grep -c '^ .*:	')" "$of"
else
  echo "skip - a function's instructions are those that objdump shows: no objdump here"
fi
list -e tick+0x1 "$calls"
equal "a place inside an instruction is refused" "1 of 1" "$refused of $of"
contains "and that is said" "$scratch/out" "tick+0x1@calls: refused: "

# Stripped programs and libraries: functions are those of the unwind table.
list sort
adds_up "a stripped program" 100
list "$libc"
adds_up "a library" 2000
equal "there is nothing to note" "" "$(cat "$scratch/err")"
list -e malloc@libc,free@libc "$libc"
equal "functions of a library" 2 "$of"
list -e '*@PROGRAM' -x 'str*' "$libc"
adds_up "PROGRAM is the library then" 2000
cp "$libc" "$scratch/libcopy.so" && chmod a-x "$scratch/libcopy.so"
list -q "$scratch/libcopy.so"
equal "a library that is not executable, of a name that is loaded already: status" 0 "$status"

# Long lists are cut, with how many more there are of each kind.
list -e '[s-w]*+0x1@PROGRAM' "$libc"
at_least "more than fifty sites have no branch" 51 $((trap + refused))
equal "fifty are shown" 50 "$(($(lines_but "$scratch/out" '* more: *' | wc -l) - 2))"
more=0
while read -r number word _; do [ "$word" != more: ] || more=$((more + number)); done <"$scratch/out"
equal "the others are counted" $((trap + refused - 50)) $more
list -v -e '[s-w]*+0x1@PROGRAM' "$libc"
equal "-v shows all" $((trap + refused)) "$(($(wc -l <"$scratch/out") - 2))"
list -q -e '[s-w]*+0x1@PROGRAM' "$libc"
equal "-q shows none" 2 "$(wc -l <"$scratch/out")"

# JSON.
list --json -e '[s-w]*+0x1@PROGRAM' "$libc"
equal "JSON: one line" 1 "$(wc -l <"$scratch/out")"
json=$(cat "$scratch/out")
value_of() { # key
  local rest=${json#*\""$1"\":}
  echo "${rest%%[,\}]*}"
}
equal "JSON: the numbers add up" "$(value_of of)" \
  $(($(value_of branch) + $(value_of punned) + $(value_of evicted) + $(value_of trap) + $(value_of refused)))
equal "JSON: the file" '"libc.so.6"' "$(value_of file)"
equal "JSON: fragile ones" "$(value_of fragile)" "$(($(value_of fragile) + 0))"
given=0 rest=$json
while [[ $rest == *'"entry":"refused"'* ]]; do
  rest=${rest#*\"entry\":\"refused\"} reason=${rest%%\}*}
  given=$((given + ${reason##*\"count\":}))
done
equal "JSON: each refused one has a reason" "$(value_of refused)" "$given"

# By chance, and all together.
list --random=60,7 -v -e '[s-w]*+0x1@PROGRAM' "$libc"
equal "so many by chance" 60 "$of"
lines_like "$scratch/out" '*: refused: *' >"$scratch/chance"
list --random=60,7 -v -e '[s-w]*+0x1@PROGRAM' "$libc"
same_file "the same ones for the same number" "$scratch/chance" <(lines_like "$scratch/out" '*: refused: *')
list --random=1000000 "$calls"
adds_up "more by chance than there are" 10
list --together "$libc"
adds_up "all functions of a library together" 2000
equal "what that took" 1 "$(count_like "$scratch/out" 'together: * sites in * ms, +* mappings (* now), +* MB of memory*')"
list --together --instructions "$calls"
adds_up "all instructions of a program together" 100
list --together --json "$calls"
equal "JSON: what that took" 1 \
  "$(count_like "$scratch/out" '{*"together":{"sites":*,"ns":*,"tries":1,"before":{"mappings":*,"memory":*},"after":*}}')"

# Nothing runs.
list touch "$scratch/made"
equal "the program is not run: status" 0 "$status"
list --together --instructions touch "$scratch/made"
equal "not even hooked: status" 0 "$status"
equal "it made no file" "" "$(ls "$scratch/made" 2>/dev/null)"
list -o "$scratch/table" -q --exe=calls sh -c "$calls plain 1; echo after"
equal "--exe: programs before the one that is meant run, and it does not" after "$(cat "$scratch/out")"
equal "-o: the table is in a file" 2 "$(wc -l <"$scratch/table")"
printf '#!/usr/bin/env sh\necho ran\n' >"$scratch/script" && chmod +x "$scratch/script"
list -q "$scratch/script"
equal "a script's interpreter is listed: status" 0 "$status"
list "$scratch/script"
contains "which is said" "$scratch/err" "sighook: note: $scratch/script is a script: this is about /usr/bin/"

# Errors.
says() { # sentence status first-line argument...
  local sentence=$1 expected=$2 line=$3
  shift 3
  "$sighook" list "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  equal "$sentence: status" "$expected" "$?"
  equal "$sentence: what it says" "$line" "$(head -n 1 "$scratch/err")"
  equal "$sentence: nothing else" "" "$(cat "$scratch/out")"
}
says "no --entry" 2 "sighook: list without --entry is not there yet in version 0.1.0" sort
says "no program" 2 "sighook: no program or library to list" --entry
says "an unknown option" 2 "sighook: unrecognized option '--frob'" --entry --frob sort
says "no number" 2 "sighook: --random takes a number, or two as in 1000,7; not 'x'" --entry --random=x sort
says "a wrong selector" 2 "sighook: '0x12q' is not an address" --entry -e 0x12q sort
says "nothing that matches" 1 "sighook: nothing matches 'tack' in calls and its 2 libraries; not run" --entry -e tack "$calls"
contains "near names are told" "$scratch/err" "tick@calls"
says "nothing that is left" 1 "sighook: calls has no functions that -x leaves; not run" --entry -x '*' "$calls"
says "a program that is not there" 1 "sighook: no-such-command: not found" --entry no-such-command
says "a file that is neither" 1 "sighook: $scratch/chance cannot be executed" --entry "$scratch/chance"
mkdir "$scratch/a b" && cp "$libc" "$scratch/a b/libc.so.6"
says "a path that the loader cannot take" 1 "sighook: a library's path must not have blanks or colons: $scratch/a b/libc.so.6" \
  --entry "$scratch/a b/libc.so.6"
says "a program that never came" 1 "sighook: no process ran a program named 'none'; not listed" --entry --exe=none true
cp "$calls" "$scratch/privileged" && chmod u+s "$scratch/privileged"
says "a setuid program" 1 "sighook: $scratch/privileged is setuid: privileged programs are refused; not run" \
  --entry "$scratch/privileged"
case $(uname -m) in
x86_64) own="64-bit x86" ;;
*) own="64-bit Arm" ;;
esac
cp "$libc" "$scratch/foreign.so" && printf '\xF3' | dd of="$scratch/foreign.so" bs=1 seek=18 conv=notrunc status=none   # EM_RISCV
says "a library of another machine" 1 "sighook: $scratch/foreign.so is not a $own program; not run" --entry "$scratch/foreign.so"
if [ -x "$static" ]; then
  says "a static program" 1 "sighook: $static is static: no loader to bring the agent in; not run" --entry "$static"
else
  echo "skip - a static program: no static C library here"
fi
equal "--help names the options" 1 "$(count_like <("$sighook" list --help) '  --instructions *')"
finish
