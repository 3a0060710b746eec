#!/bin/bash
# What would stand at functions of a process that runs already: the same as in a fresh one, and the process does not notice.
#   list_pid_test.sh SIGHOOK CALLS STATIC ITSELF [LOOPS]
# LOOPS: how many keep a processor busy for about a second.
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 calls=$2 static=$3 itself=$4 loops=${5:-400000000} forever=100000000000
process=0
trap 'stop; rm -rf "$scratch"' EXIT
mkfifo "$scratch/input"
exec 9<>"$scratch/input"

# A process with an open input, which waits. Its number is then in process; its first line of output is there already.
start() { # command...
  : >"$scratch/said"
  "$@" <"$scratch/input" >"$scratch/said" 2>"$scratch/complaints" 9>&- &
  process=$!
  for _ in {1..1000}; do
    [ ! -s "$scratch/said" ] || [[ $(cat "/proc/$process/stat") != *') S '* ]] || return 0
    sleep 0.05
  done
  not_ok "$1 starts" "$(head -n 5 "$scratch/complaints")"
}

# One that says nothing. Before it executes its program it is a shell.
start_silent() { # command...
  "$@" </dev/null >"$scratch/said" 2>"$scratch/complaints" 9>&- &
  process=$!
  for _ in {1..200}; do [ ! "/proc/$process/exe" -ef "/proc/$$/exe" ] || sleep 0.05; done
  sleep 0.2
}

stop() {
  [ "$process" = 0 ] || kill "$process" 2>/dev/null
  [ "$process" = 0 ] || wait "$process" 2>/dev/null
  process=0
}

# ---- the same as in a fresh process ----

same_number() { # sentence least argument...
  local sentence=$1 least=$2 here
  shift 2
  list -p "$process" "$@"
  adds_up "$sentence" "$least"
  here=$of
  list "$@" "$(readlink "/proc/$process/exe")"
  equal "$sentence: as many as in a fresh process" "$of" "$here"
}

start bash -c 'echo ready; read -r line'
list -p "$process"
if [[ $(cat "$scratch/err") == *'cannot be read: '* ]]; then
  echo "skip - processes that run: no permission to read them here"
  finish
fi
same_number "functions of a shell" 500
same_number "functions of its C library" 2000 -e '*@libc'
list -p "$process" --random=1000 --instructions
adds_up "instructions by chance" 1000
list -p "$process" -q -o "$scratch/table" -e 'malloc@libc,strlen@libc'
equal "-o: nothing elsewhere" "" "$(cat "$scratch/out" "$scratch/err")"
list -p "$process" -e 'malloc@libc,strlen@libc'
same_file "a function and an IFUNC" "$scratch/table" "$scratch/out"
equal "a function and an IFUNC: two" 2 "$of"
list -p "$process" --json -e malloc@libc
equal "JSON tells the process" 1 "$(count_like "$scratch/out" "{\"file\":\"bash\",\"pid\":$process,*\"of\":1,*}")"
stop

if command -v setarch >/dev/null && setarch -R true 2>/dev/null; then
  start setarch -R bash -c 'echo ready; read -r line'
  list -p "$process"
  counts=("$branch" "$trap")
  list --exe=bash setarch -R bash
  equal "at the same addresses: as many branches" "$branch" "${counts[0]}"
  at_least "at the same addresses: a fiftieth more or fewer traps" $((trap > counts[1] ? trap - counts[1] : counts[1] - trap)) \
    $((of / 50))
  stop
else
  echo "skip - at the same addresses: setarch cannot switch randomisation off here"
fi

# Place by place, what the library answers in the process itself.
readonly places=60 names=(qsort printf malloc free getaddrinfo strtol regcomp scandir getpwnam_r fnmatch getopt_long vfprintf
  strftime mktime execvp tmpfile getline fgets fwrite setvbuf syslog tsearch hsearch_r random_r drand48_r)
for name in "${names[@]}"; do
  for ((i = 0; i < places; i++)); do printf '%s+0x%x@libc\n' "$name" $i; done
done >"$scratch/places"
start "$itself" $places "${names[@]}"
list -v -p "$process" -e "@$scratch/places"
equal "place by place: as many of each entry" "$(tail -n 1 "$scratch/said")" "$branch $punned $evicted $trap $refused"
while IFS= read -r line; do
  [[ ! $line =~ ^([^:]*:\ [a-z]*): ]] || echo "${BASH_REMATCH[1]}"
done <"$scratch/out" | sort >"$scratch/outside"
same_file "place by place: the same ones get traps or are refused" <(lines_like "$scratch/said" '*: *' | sort) "$scratch/outside"
stop

# ---- other kinds of processes ----

if command -v python3 >/dev/null && python3 -c 'import ctypes' 2>/dev/null; then
  start python3 -c 'import ctypes; print("ready", flush=True); input()'
  same_number "functions of python3" 5
  list -p "$process" -e '*@_ctypes*'
  adds_up "a library that came by dlopen" 10
  list -p "$process" -q --instructions -e '*@_ctypes*'
  adds_up "instructions of it" 500
  stop
else
  echo "skip - a library that came by dlopen: no python3 with ctypes here"
fi

if [ -x "$static" ]; then
  start_silent "$static" plain $forever
  list -p "$process"
  adds_up "a static program" 500
  list -p "$process" -e tick,memcpy
  equal "a function and an IFUNC of it" 2 "$of"
  list -p "$process" --instructions -e tick
  adds_up "instructions of a static program" 3
  stop
else
  echo "skip - a static program: no static C library here"
fi

cp "$calls" "$scratch/gone"
start_silent "$scratch/gone" plain $forever
cp "$(type -P true)" "$scratch/other" && mv "$scratch/other" "$scratch/gone"
list -p "$process" -e tick,tock
equal "a program whose file was replaced by another" 2 "$of"
stop

start_silent "$sighook" count -e tick -- "$calls" plain $forever
read -r process _ <"/proc/$process/task/$process/children"
list -p "$process" -e malloc
adds_up "a process that is counted in" 1
contains "its hooks are told" "$scratch/err" "libsighook-agent.so: hooks that are there already count as the program's own code"
kill "$process"
wait
process=0

# ---- the process does not notice ----

state_of() {
  local line
  cat "/proc/$process/status" >"$scratch/status"           # at once: piece by piece it may be of several moments
  for line in 'State:*' 'voluntary_ctxt_switches:*' 'RssAnon:*' 'TracerPid:*'; do
    lines_like "$scratch/status" "$line"
  done
  cat "/proc/$process/maps"
}

# A checksum of the executable memory that files are behind.
text_of() {
  local range protection path from to
  while read -r range protection _ _ _ path; do
    [[ $protection == r?x? && $path == /* ]] || continue
    from=$((0x${range%-*})) to=$((0x${range#*-}))
    dd if="/proc/$process/mem" bs=65536 iflag=skip_bytes,count_bytes skip=$from count=$((to - from)) status=none
  done <"/proc/$process/maps" | cksum
}

# shellcheck disable=SC2016  # the inner shell expands it
start bash -c 'echo ready; while read -r number; do echo $((number * number)); done'
text=$(text_of)
state_of >"$scratch/state"
list -q -p "$process" -e '*'
adds_up "all functions of a process that waits" 2000
list -q -p "$process" --instructions --random=5000
adds_up "its instructions" 5000
state_of >"$scratch/later"
same_file "it waits all the time, with the same memory" "$scratch/state" "$scratch/later"
equal "its code is what it was" "$text" "$(text_of)"
echo 111 >&9
for _ in {1..100}; do [ "$(wc -l <"$scratch/said")" = 2 ] || sleep 0.05; done
equal "it goes on" "ready 12321 " "$(tr '\n' ' ' <"$scratch/said")"
stop

start_silent "$calls" plain "$loops"
while [ ! -s "$scratch/said" ] && kill -0 "$process"; do
  list -q -p "$process"
done
wait "$process"
equal "one that is busy ends as it would" 0 "$?"
equal "and says what it would" "$loops" "$(cat "$scratch/said")"
process=0

# ---- errors ----

says() { # sentence status first-line argument...
  local sentence=$1 expected=$2 line=$3
  shift 3
  "$sighook" list --entry "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  equal "$sentence: status" "$expected" "$?"
  equal "$sentence: what it says" "$line" "$(head -n 1 "$scratch/err")"
  equal "$sentence: nothing else" "" "$(cat "$scratch/out")"
}

true &
wait $!
says "a process that has ended" 1 "sighook: there is no process $!" -p $!
says "no number" 2 "sighook: -p takes the number of a process, not 'bash'" -p bash
says "nobody's number" 2 "sighook: -p takes the number of a process, not '0'" -p 0
says "a process and a program" 2 "sighook: -p is about a process that runs already, and no program is to be started beside it" \
  -p $$ ls
says "a process and --exe" 2 "sighook: --exe picks one of the programs that are started, and with -p none is" -p $$ --exe=ls
says "a process and --together" 2 "sighook: --together installs hooks, and with -p the process stays as it is" -p $$ --together
list -p $$ -e no_such_function
equal "nothing that matches: status" 1 "$status"
contains "nothing that matches" "$scratch/err" "sighook: nothing matches 'no_such_function' in bash and its "
if [[ $(cat /proc/2/comm 2>/dev/null) == kthreadd ]]; then
  says "a thread of the kernel" 1 "sighook: process 2 is a thread of the kernel, which runs no program; not listed" -p 2
else
  echo "skip - a thread of the kernel: none is seen here"
fi
# shellcheck disable=SC2016  # the inner shell expands it
start bash -c 'sleep 0.3 & echo $!; exec sleep 1000'
ended=$(cat "$scratch/said")
for _ in {1..200}; do [[ $(cat "/proc/$ended/stat") == *') Z '* ]] || sleep 0.05; done
says "one that ended, which its parent does not know yet" 1 "sighook: process $ended has ended; not listed" -p "$ended"
stop
# shellcheck disable=SC2016
"$BASH" -c 'exec "$0" list --entry -q -p $$' "$sighook" >"$scratch/out"
equal "the command itself" "0 2" "$? $(wc -l <"$scratch/out")"

# At whatever moment the process ends, that is all there is to say.
strange=0
for i in {0..39}; do
  "$calls" plain $((loops * i / 4000)) >"$scratch/said" &
  list -q -p $!
  [[ $status == 0 || ($status == 1 && $(head -n 1 "$scratch/err") == 'sighook: '*'process '*) ]] || strange=$((strange + 1))
  wait $!
done
equal "a process that ends meanwhile" 0 "$strange"

# A small 32-bit program for x86: file header, program header, and code that waits.
{
  printf '\x7fELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0\x54\x80\4\x08\x34\0\0\0\0\0\0\0\0\0\0\0\x34\0\x20\0\1\0\0\0\0\0\0\0'
  printf '\1\0\0\0\0\0\0\0\0\x80\4\x08\0\x80\4\x08\x5d\0\0\0\x5d\0\0\0\5\0\0\0\0\x10\0\0'
  printf '\xb8\x1d\0\0\0\xcd\x80\xeb\xf7'
} >"$scratch/narrow"
chmod +x "$scratch/narrow"
"$scratch/narrow" 2>/dev/null &
process=$!
for _ in {1..20}; do [ "/proc/$process/exe" -ef "$scratch/narrow" ] || sleep 0.05; done
if [ "/proc/$process/exe" -ef "$scratch/narrow" ]; then
  says "a 32-bit program" 1 "sighook: process $process runs $scratch/narrow, which is not a 64-bit x86 program; not listed" \
    -p "$process"
else
  echo "skip - a 32-bit program: none runs here"
fi
stop

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  cp "$sighook" "$scratch/sighook" && chmod 755 "$scratch" "$scratch/sighook"
  as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  "${as_nobody[@]}" "$scratch/sighook" list --entry -p $$ >"$scratch/out" 2>"$scratch/err"
  equal "somebody else's process" "1 sighook: process $$ cannot be read: Permission denied; not listed" \
    "$? $(head -n 1 "$scratch/err")"
  contains "what to try then" "$scratch/err" "  try: as the user that it runs as, or as root"
  if [ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" = 0 ]; then
    start "${as_nobody[@]}" bash -c 'echo ready; read -r line'
    "${as_nobody[@]}" "$scratch/sighook" list --entry -q -p "$process" >"$scratch/out" 2>"$scratch/err"
    equal "one's own without being root" 0 "$?"
    stop
  else
    echo "skip - one's own without being root: ptrace_scope forbids it here"
  fi
else
  echo "skip - somebody else's process: not root here"
fi
finish
