#!/bin/bash
# What the command says when it cannot do what it was asked for: one cause, one thing to try, and nothing was run.
#   errors_test.sh SIGHOOK CALLS STATIC
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 static=$3

# Runs the command, and compares status and first line; further lines are looked for.
says() { # sentence status first-line -- argument...
  local sentence=$1 expected=$2 line=$3 status=0
  shift 4
  "$sighook" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
  equal "$sentence: status" "$expected" "$status"
  equal "$sentence: what it says" "$line" "$(head -n 1 "$scratch/err")"
}

LD_TRACE_LOADED_OBJECTS=1 sort >"$scratch/libraries"
says "a mistyped name" 125 \
  "sighook: nothing matches 'strcol' in sort and its $(count_like "$scratch/libraries" '*/*') libraries; not run" \
  -- count -e strcol -- sort /dev/null
contains "near names are told" "$scratch/err" "  near: strcoll@libc.so.6"
says "one of several names does not match" 125 "sighook: nothing matches 'tack' in calls and its 2 libraries; not run" \
  -- count -e tick -e tack -- "$calls" plain 1
contains "the program's own names are near too" "$scratch/err" "tick@calls"
equal "nothing was run" "" "$(cat "$scratch/out")"
says "a pattern that matches nothing" 125 "sighook: nothing matches 'zzz*' in calls and its 2 libraries; not run" \
  -- count -e 'zzz*' -- "$calls" plain 1
says "a library that is not there" 125 "sighook: nothing matches '*@libnone' in calls and its 2 libraries; not run" \
  -- count -e '*@libnone' -- "$calls" plain 1
contains "the libraries that are there are told" "$scratch/err" "libc.so.6"
says "an expression that is none" 125 "sighook: '/a(/': Unmatched ( or \\(" -- count -e '/a(/' -- "$calls" plain 1
says "an address that is none" 125 "sighook: '0x12q' is not an address" -- count -e 0x12q -- "$calls" plain 1
says "a file of selectors that is not there" 125 "sighook: $scratch/none: No such file or directory" \
  -- count -e "@$scratch/none" -- "$calls" plain 1

says "an unknown word" 125 "sighook: 'sort' is not a verb" -- sort r
contains "what to try instead" "$scratch/err" "  try: sighook count sort r"
says "a verb of the future" 125 "sighook: 'trace' is not there yet in version 0.1.0" -- trace sort r
says "an option of the future" 125 "sighook: --time is not there yet in version 0.1.0" -- count --time -- sort r
says "attaching" 125 "sighook: -p is not there yet in version 0.1.0" -- count -p 1
says "no command" 125 "sighook: no command to run" -- count -e malloc
says "an unknown option" 125 "sighook: unrecognized option '--frob'" -- count --frob
contains "help is offered" "$scratch/err" "  try: sighook count --help"
says "no arguments" 125 "usage: sighook VERB [OPTION...] [--] COMMAND [ARG...]" --
equal "--version" "sighook 0.1.0" "$("$sighook" --version)"
equal "--help names the verbs" 1 "$(count_like <("$sighook" --help) '  count *')"
equal "count --help names the options" 1 "$(count_like <("$sighook" count --help) '  --no-follow *')"

mkdir "$scratch/bin" && touch "$scratch/bin/flat"
says "a command that is not there" 127 "sighook: no-such-command: not found" -- count -- no-such-command
says "a path that is not there" 127 "sighook: ./no-such-command: not found" -- count -- ./no-such-command
says "a file that is not executable" 126 "sighook: $scratch/bin/flat cannot be executed" \
  -- count -- "$scratch/bin/flat"
says "a folder" 126 "sighook: /proc cannot be executed" -- count -- /proc
PATH=$scratch/bin:$PATH says "a name that is only found without permission" 126 \
  "sighook: $scratch/bin/flat cannot be executed" -- count -- flat
says "a table that cannot be written" 125 "sighook: $scratch/none/table: No such file or directory; not run" \
  -- count -o "$scratch/none/table" -- "$calls" plain 1
equal "then nothing was run either" "" "$(cat "$scratch/out")"

# Programs that the agent cannot come into.
cp "$calls" "$scratch/privileged" && chmod u+s "$scratch/privileged"
says "a setuid program" 125 "sighook: $scratch/privileged is setuid: privileged programs are refused; not run" \
  -- count -- "$scratch/privileged" plain 1
case $(uname -m) in
x86_64) own="64-bit x86" ;;
*) own="64-bit Arm" ;;
esac
cp "$calls" "$scratch/foreign" && printf '\xF3' | dd of="$scratch/foreign" bs=1 seek=18 conv=notrunc status=none   # EM_RISCV
says "a program of another machine" 125 "sighook: $scratch/foreign is not a $own program; not run" -- count -- "$scratch/foreign"
if [ -x "$static" ]; then
  says "a static program" 125 "sighook: $static is static: no loader to bring the agent in; not run" -- count -- "$static" plain 1
  contains "what to try with a static program" "$scratch/err" "  try: link it with libsighook.a (man sighook, STATIC PROGRAMS)"
  printf '#!%s plain\n' "$static" >"$scratch/script" && chmod +x "$scratch/script"
  says "a script that a static program interprets" 125 "sighook: $static is static: no loader to bring the agent in; not run" \
    -- count -- "$scratch/script"
  "$sighook" count -o "$scratch/table" -e malloc -- sh -c "$static plain 1; $static plain 2; $scratch/privileged plain 3" \
    >"$scratch/out" 2>"$scratch/err"
  equal "static and privileged programs run when others execute them" "1 2 3 " "$(tr '\n' ' ' <"$scratch/out")"
  contains "static ones are named, with how many" "$scratch/err" "sighook: note: not followed: $static (static), 2 processes"
  contains "privileged ones too" "$scratch/err" "sighook: note: not followed: $scratch/privileged (setuid), 1 process"
  contains "and counted in the last line" "$scratch/err" ", 3 not followed"
else
  echo "skip - static programs: no static C library here"
fi
(ulimit -v 400000 && "$sighook" count -e malloc -- "$calls" plain 1) >"$scratch/out" 2>"$scratch/err"
if [ -s "$scratch/out" ] || [[ $(cat "$scratch/err") == *'sighook: '* ]]; then
  ok "little address space is told, or gone about"
else
  not_ok "little address space is told, or gone about" "$(cat "$scratch/err")"
fi
finish
