#!/bin/bash
# What the target sees and says is as without us: environment, output, status, descriptors, signals.
#   untouched_test.sh SIGHOOK CALLS
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2

count() {
  "$sighook" count -q -o "$scratch/table" -e malloc -- "$@"
}

# What shells set by themselves.
readonly shells=('_=*' 'SHLVL=*' 'PWD=*' 'OLDPWD=*')

# Environments, with and without a preload of the user's own, empty and full, and through programs that execute others.
environments() { # sentence assignment...
  local sentence=$1
  shift
  (export "${@:-NOTHING=}" && env) >"$scratch/plain"
  (export "${@:-NOTHING=}" && count env) >"$scratch/hooked"
  same_file "$sentence" <(lines_but "$scratch/plain" '_=*' 'SHLVL=*') <(lines_but "$scratch/hooked" '_=*' 'SHLVL=*')
  (export "${@:-NOTHING=}" && count env env sh -c 'env env') >"$scratch/hooked"
  same_file "$sentence, through other programs" \
    <(lines_but "$scratch/plain" "${shells[@]}" | sort) <(lines_but "$scratch/hooked" "${shells[@]}" | sort)
}
environments "the environment is the user's"
environments "a preload of the user's stays" LD_PRELOAD=libm.so.6
environments "two preloads of the user's stay" "LD_PRELOAD=libm.so.6 libdl.so.2:librt.so.1"
environments "an empty preload stays" LD_PRELOAD=
environments "SIGHOOK_AGENT, which is for the command, stays too" SIGHOOK_AGENT="$(dirname "$sighook")/agent/libsighook-agent.so"
equal "an empty environment stays empty" "" "$(count env -i env)"

# Walking over the environment's end must lead to the auxiliary vector: some run-time systems do so.
"$calls" vectors 0 >"$scratch/plain"
count "$calls" vectors 0 >"$scratch/hooked"
same_file "the auxiliary vector lies behind the environment" "$scratch/plain" "$scratch/hooked"
(export LD_PRELOAD=libm.so.6 && count "$calls" vectors 0) >"$scratch/hooked"
same_file "the same with a preload of the user's" "$scratch/plain" "$scratch/hooked"

# Output and status.
readonly talk='echo to stdout; echo to stderr >&2; cat; exit 5'
echo input | sh -c "$talk" >"$scratch/plain" 2>"$scratch/plain-error"
plain=$?
echo input | count sh -c "$talk" >"$scratch/hooked" 2>"$scratch/hooked-error"
equal "the status is the target's" "$plain" "$?"
same_file "standard output is the target's" "$scratch/plain" "$scratch/hooked"
same_file "standard error is the target's" "$scratch/plain-error" "$scratch/hooked-error"

# Descriptors, closed ones included; signals ignored or blocked; the process group.
ls -1 /proc/self/fd >"$scratch/plain"
count ls -1 /proc/self/fd >"$scratch/hooked"
same_file "no descriptor is left open" "$scratch/plain" "$scratch/hooked"
(exec <&- && ls -1 /proc/self/fd) >"$scratch/plain"
(exec <&- && count ls -1 /proc/self/fd) >"$scratch/hooked"
same_file "a closed standard input stays closed" "$scratch/plain" "$scratch/hooked"
signals() {
  "$@" cat /proc/self/status
}
signal_lines() { # file
  lines_like "$1" 'Sig[BI]*'
}
signals env >"$scratch/plain"
signals count >"$scratch/hooked"
same_file "no signal is caught, ignored or blocked" <(signal_lines "$scratch/plain") <(signal_lines "$scratch/hooked")
(trap '' INT PIPE CHLD TERM && signals env) >"$scratch/plain"
(trap '' INT PIPE CHLD TERM && signals count) >"$scratch/hooked"
same_file "signals that the user ignores stay ignored" <(signal_lines "$scratch/plain") <(signal_lines "$scratch/hooked")
own_group() {
  local facts
  facts=$(cat /proc/$$/stat)
  read -r _ _ facts _ <<<"${facts##*) }"
  echo "$facts"
}
group=$(count "$calls" group 0)
equal "the target is in the command's process group" "$(own_group)" "$group"

# What we leave behind.
commands_like() { # pattern
  local file
  for file in /proc/[0-9]*/cmdline; do
    { tr '\0\n' '  ' <"$file" && echo; } 2>/dev/null
  done >"$scratch/commands"
  lines_like "$scratch/commands" "$1"
}
equal "no process is left" "" "$(commands_like "$calls group*")"
ls -A /dev/shm >"$scratch/names"
equal "nothing is left in /dev/shm" "" "$(lines_like "$scratch/names" '*[sS]ighook*')"
finish
