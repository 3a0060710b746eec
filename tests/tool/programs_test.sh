#!/bin/bash
# The command on small targets with known numbers of calls, and on programs that live by fork, exec and pipes.
set -u
sighook=$1 target=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() { # name condition...
  local name=$1
  shift
  if "$@"; then
    echo "ok - $name"
  else
    echo "not ok - $name"
    failed=1
  fi
}

status_of() { "$@" >"$work/out" 2>"$work/err"; echo $?; }
counted() { awk '$2 == "counted_function@tool_target" { sum += $1 } END { print sum + 0 }' "$work/table"; }
count_way() { "$sighook" count -q -o "$work/table" -e counted_function -- "$target" "$1" >"$work/out" 2>"$work/err"; }

while read -r way calls expected; do
  count_way "$way"
  status=$?
  check "the status of a target that ends by $way is its own" [ "$status" = "$expected" ]
  check "every call is counted in a target that ends by $way" [ "$(counted)" = "$calls" ]
done 2>/dev/null <<'END'
plain 1000 3
threads 1000 0
fork 1000 0
exec 2000 3
_exit 1000 7
kill 1000 137
END

count_way plain
check "the target's output is its own" [ "$(cat "$work/out") $(cat "$work/err")" = "out err" ]
env >"$work/env1"
"$sighook" count -q -o /dev/null -e malloc -- env >"$work/env2"
check "the target's environment is its own" diff <(grep -v '^_=' "$work/env1") <(grep -v '^_=' "$work/env2")
LD_PRELOAD=libm.so.6 "$sighook" count -q -o /dev/null -e malloc -- env >"$work/env3"
check "a user's own LD_PRELOAD stays" grep -qx 'LD_PRELOAD=libm.so.6' "$work/env3"

check "a name that matches nothing is an error" [ "$(status_of "$sighook" count -e strcol -- sh -c "touch $work/ran")" = 125 ]
check "and near names are told" grep -q 'near:.*strcoll@libc.so.6' "$work/err"
check "and nothing was run" [ ! -e "$work/ran" ]
check "a verb that is missing is named" [ "$(status_of "$sighook" sort x)" = 125 ]
check "with what to try" grep -q 'try: sighook count sort x' "$work/err"
check "a command that is not there" [ "$(status_of "$sighook" count -- no-such-command)" = 127 ]
check "a file that cannot be executed" [ "$(status_of "$sighook" count -- /etc/passwd)" = 126 ]
check "a setuid program is refused" [ "$(status_of "$sighook" count -- su)" = 125 ]
check "by name" grep -q 'su is setuid' "$work/err"
"$sighook" count --json -o "$work/json" -e malloc -- true 2>/dev/null
check "every JSON line is valid" python3 -c 'import json,sys
for line in open(sys.argv[1]): json.loads(line)' "$work/json"
"$sighook" count -q -o "$work/table" -e 'strlen@libc' -- sh -c 'ls / >/dev/null' 2>/dev/null
check "an IFUNC is counted by its name" grep -q 'strlen@libc.so.6' "$work/table"
"$sighook" count -q -o "$work/table" -e 'puts@plt,/^counted_/' -x 'call' -- "$target" plain >/dev/null 2>&1
check "an import is counted at the program's own stub" grep -q '1  puts@plt' "$work/table"
check "an expression selects" [ "$(counted)" = 1000 ]

names=malloc,free,memcpy,strlen,execve,dup2,sigprocmask,pthread_sigmask,pthread_create,posix_spawn,posix_spawnp,system,popen
names=$names,fork,vfork,waitpid,sigaction
same() { # name command...
  local name=$1 plain hooked
  shift
  "$@" >"$work/plain" 2>"$work/plain-err"
  plain=$?
  "$sighook" count -q -o "$work/table" -e "$names" -- "$@" >"$work/hooked" 2>"$work/hooked-err"
  hooked=$?
  check "$name works as without us" [ $plain = $hooked ]
  check "$name says the same" cmp -s "$work/plain" "$work/hooked"
  check "$name is counted in more than one program" [ "$(grep -c '^#' "$work/table")" -gt 1 ]
}

mkdir "$work/project"
for i in 1 2 3 4; do echo "int f$i(void) { return $i; }" >"$work/project/f$i.c"; done
cat >"$work/project/main.c" <<'END'
int f1(void), f2(void), f3(void), f4(void), printf(const char *, ...);
int main(void) { printf("%d\n", f1() + f2() + f3() + f4()); }
END
printf 'all:\n\t@$(MAKE) --no-print-directory prog && ./prog\nprog: f1.o f2.o f3.o f4.o main.o\n\t@$(CC) -o $@ $^\n%%.o: %%.c\n\t@$(CC) -c $<\nclean:\n\t@rm -f *.o prog\n' >"$work/project/Makefile"
cat >"$work/script.py" <<'END'
import os, subprocess, threading
for i in range(8):
    print(subprocess.run("echo %d | tr 0-9 a-j | cat" % i, shell=True, capture_output=True, text=True).stdout.strip())
children = [subprocess.Popen(["sort", "-n"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
print([child.communicate("3\n1\n2\n")[0].split() for child in children])
threads = [threading.Thread(target=lambda: subprocess.check_call(["true"])) for _ in range(4)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(os.popen("echo popen").read().strip(), os.system("exit 7") >> 8)
END
same make sh -c "make -s -C $work/project clean && make -s -C $work/project -j2 all"
same "python's subprocess" /usr/bin/python3 "$work/script.py"
same "a shell pipeline" sh -c 'seq 1000 | sort -r | head -5; (exit 4) || echo "$?"; x=$(echo deep | cat); echo "$x"'
exit $failed
