#!/bin/bash
# Programs that live by fork, exec, pipes and signals work as without us while the functions are hooked that do all that.
#   programs_test.sh SIGHOOK [REPOSITORY]
# Without a repository, whose parts are compiled, only programs that the emulated arm64 machine has.
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 repository=${2:-}

# Those that block signals (callers of rt_sigprocmask), those that run programs, and those that everybody calls.
readonly blocking=sigprocmask,pthread_sigmask,pthread_create,posix_spawn,posix_spawnp,system,popen,fork,abort,raise,sigset,\
sighold,sigrelse,siglongjmp,__sigsetjmp,getcontext,setcontext,swapcontext,pthread_kill,pthread_exit,timer_create,sigblock,sigsetmask
readonly running=execve,execvp,vfork,waitpid,wait4,dup2,pipe,pipe2,close,pclose,sigaction,kill,_exit
readonly common=malloc,free,memcpy,strlen
selectors=$common,$running,$blocking

sums_of() { # folder
  (shopt -s nullglob && cd "$1" && for file in *; do cksum "$file"; done)
}

# The same with us: by the entries that each function gets, or by traps.
same_hooked() { # sentence option... -- command...
  local sentence=$1 hooked
  shift
  mkdir "$scratch/made"
  "$sighook" count -q -e "$selectors" "$@" >"$scratch/hooked" 2>"$scratch/hooked-error"
  hooked=$?
  equal "$sentence: status" "$plain" "$hooked"
  same_file "$sentence: output" "$scratch/plain" "$scratch/hooked"
  same_file "$sentence: standard error" "$scratch/plain-error" "$scratch/hooked-error"
  equal "$sentence: files made" "$(sums_of "$scratch/made-plain")" "$(sums_of "$scratch/made")"
  rm -rf "$scratch/made"
}

# Runs a command without us and with us, and compares all that can be seen. Extra results are in the folder `made`.
same() { # sentence -- command...
  local sentence=$1 plain
  shift 2
  mkdir "$scratch/made"
  "$@" >"$scratch/plain" 2>"$scratch/plain-error"
  plain=$?
  rm -rf "$scratch/made-plain" && mv "$scratch/made" "$scratch/made-plain"
  same_hooked "$sentence, trapped" --force-trap -o "$scratch/table-trapped" -- "$@"
  same_hooked "$sentence" -o "$scratch/table" -- "$@"
}

counted() { # sentence function least
  at_least "$1" "$3" "$(calls_of "$scratch/table" "$2")"
  at_least "$1, trapped" "$3" "$(calls_of "$scratch/table-trapped" "$2")"
}

compile_parts() {
  cat >"$scratch/Makefile" <<END
parts = near notes options plan plt select symbols tally
objects = \$(parts:%=$scratch/made/%.o)
$scratch/made/parts.a: \$(objects)
	@\$(AR) rcD \$@ \$^ && echo "\$(words \$^) parts" | sed 's/parts/objects/'
$scratch/made/%.o: $repository/tool/%.c
	@cc -O1 -D_GNU_SOURCE -DSIGHOOK_VERSION='"test"' -I$repository/include -I$repository/src -I$repository/tool -c -o \$@ \$<
END
  same "make" -- make -j2 -f "$scratch/Makefile"
  counted "make's processes are counted, shells and compilers" execve@libc.so.6 16
  counted "and what they allocate" malloc@libc.so.6 100000
  contains "the compiler has a block" "$scratch/table" "# cc1 (8 processes, 8 threads)"
  same "find and xargs" -- sh -c "find $repository/include -name '*.h' -print0 | sort -z | xargs -0 -n 2 wc -c"
}

# All that libc exports, at once.
hook_all_of_libc() {
  local selectors='*@libc'
  printf 'all: a b c\na b c:\n\t@echo $@; sh -c "echo in $@ | cat"\n' >"$scratch/Makefile"
  same "make, all of libc hooked" -- make -f "$scratch/Makefile"
  # shellcheck disable=SC2016  # the inner shell's
  same "bash, all of libc hooked" -- bash -c 'for i in {1..40}; do x=$x$i; done; echo "$x" | cat | wc -c; (exit 3); echo $?'
  same "python, all of libc hooked" -- /usr/bin/python3 -c 'import subprocess
print(subprocess.run(["echo", "a"], capture_output=True).stdout, sum(range(1000)))'
}

if [ -n "$repository" ]; then
  compile_parts
  hook_all_of_libc
fi

# Python's subprocess: pipes, shells, many children, threads that spawn, signals.
cat >"$scratch/script.py" <<'END'
import os, signal, subprocess, sys, threading

for i in range(20):
    print(subprocess.run("echo %d | tr 0-9 a-j | cat" % i, shell=True, capture_output=True, text=True).stdout.strip())
children = [subprocess.Popen(["sort", "-n"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(10)]
print([child.communicate("3\n1\n2\n")[0].split() for child in children])
threads = [threading.Thread(target=lambda: [subprocess.check_call(["true"]) for _ in range(5)]) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(os.popen("echo popen").read().strip(), os.system("exit 7") >> 8)
print(subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"]).returncode)
sleeper = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN))
sleeper.send_signal(signal.SIGTERM)
print(sleeper.wait(), subprocess.run(["sh", "-c", "exit 3"], close_fds=False).returncode)
try:
    subprocess.run(["no-such-command"])
except FileNotFoundError as error:
    print(error)
child = os.fork()
if child == 0:
    os.execlp("sh", "sh", "-c", "echo from a forked child; exit 4")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
same "python's subprocess" -- /usr/bin/python3 "$scratch/script.py"
counted "python's processes are counted" execve@libc.so.6 80

# Shells.
# shellcheck disable=SC2016  # the inner shells'
{
  same "a shell's pipelines" -- sh -c 'seq 1000 | sort -r | head -5; (exit 4) || echo "$?"; x=$(echo deep | cat); echo "$x"'
  counted "a pipeline's processes are counted" execve@libc.so.6 3
  same "a shell that traps signals" -- bash -c 'trap "echo caught" USR1; kill -USR1 $$; { sh -c "kill -9 \$\$"; } 2>/dev/null; echo $?'
  same "a shell whose pipe breaks" -- bash -c 'yes | head -2; echo "${PIPESTATUS[*]}"'
  same "a shell that starts many programs" -- sh -c 'i=0; while [ $i -lt 200 ]; do /bin/echo $i; i=$((i + 1)); done | md5sum'
  if command -v perl >/dev/null; then
    same "perl's system and pipes" -- perl -e 'print system("exit 3") >> 8, "\n", `echo back`; open(my $p, "|cat"); print $p "to cat\n"'
  fi
  if command -v awk >/dev/null; then
    same "awk's system and pipes" -- awk 'BEGIN { print system("exit 3"); "echo read" | getline x; print x | "cat" }'
  fi
  same "jobs in the background" -- bash -c '{ for i in 1 2 3 4; do (sleep 0.0$i; echo $i) & done; wait; } | sort; echo done'
}

# What is hooked everywhere: allocation, and strings, IFUNCs among them.
selectors="malloc,free,str*@libc"
seq 2000 | sort -R >"$scratch/numbers"
everyday() { # sentence -- command...
  same "$@"
  counted "$1: allocations are counted" malloc@libc.so.6 1
  counted "$1: an IFUNC's calls are counted" strlen@libc.so.6 1
  at_least "$1: what it chose is named" 1 "$(count_like "$scratch/table" '* strlen@libc.so.6 -> *')"
}
everyday "sort" -- sort "$scratch/numbers"
equal "sort: a trap is counted as often as a branch" "$(calls_of "$scratch/table")" "$(calls_of "$scratch/table-trapped")"
# shellcheck disable=SC2016  # the inner shell's
everyday "bash" -- bash -c 'for i in {1..300}; do x=$x$i; y=${x//1/one}; done; echo "${#y} $(echo "$y" | md5sum)"'
everyday "python" -- /usr/bin/python3 -c 'import json; print(json.dumps({str(i): [i] * (i % 7) for i in range(2000)}))'
if command -v openssl >/dev/null; then
  everyday "openssl" -- openssl dgst -sha256 "$scratch/numbers"
else
  echo "skip - openssl: it is not here"
fi
finish
