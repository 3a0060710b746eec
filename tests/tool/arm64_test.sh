#!/bin/bash
# The command's tests on an emulated arm64 machine: qemu-user cannot execute programs as the command and its targets do.
#   arm64_test.sh BUILD KERNEL [BOOT-OPTION...]
# BUILD: a folder where the project was built for arm64. KERNEL and BOOT-OPTION: of tests/arm64/boot.sh. Prints what the tests
# print, in which the runner counts the cases.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly here build=$1 kernel=$2
readonly some_of_libc='sig*@libc,raise@libc,kill@libc,printf@libc,malloc,free,mem*@libc,pthread_*@libc,exec*@libc,posix_spawn*@libc,fork@libc'
tests=(count untouched selectors signals)
[ -z "${SIGHOOK_LONG:-}" ] || tests+=(errors list programs)
directory=${SIGHOOK_ARM64:-${XDG_CACHE_HOME:-$HOME/.cache}/sighook-arm64}
shift 2
root="root-12"
for option; do [[ $option != root-* ]] || root=$option; done
# It takes minutes: on one machine, whose pages are guarded.
[ "$root" != root-13 ] || [ -z "${SIGHOOK_LONG:-}" ] || tests+=(list_pid)
readonly root tests
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
readonly payload=$scratch/payload

# What the machine lacks that a system has. Its shell runs this before each test. Programs come from root-12 even where the
# C library, its guarded pages to be hooked, is another root's.
write_setup() {
  cat >"$payload/setup" <<'END'
if [ ! -e /dev/fd ]; then
  LD_LIBRARY_PATH=usr/lib/aarch64-linux-gnu usr/bin/cp -a -n usr/. /usr
  ln -s /proc/self/fd /dev/fd
  ln -sf python3.11 /usr/bin/python3
fi
END
}

write_commands() {
  # shellcheck source=tests/tool/checks.sh
  local offset inside tools=aarch64-linux-gnu-
  read -r offset inside < <(TOOLS=$tools bash -c 'source "$0"; echo $(offset_of_tock "$1") $(length_in_tock "$1")' \
    "$here/checks.sh" "$payload/calls")
  grep -E "^($(IFS='|' && echo "${tests[*]}")) " >"$payload/commands" <<END
count 120 . ./setup; ./count_test.sh ./sighook /payload/calls 5000 40
untouched 60 . ./setup; ./untouched_test.sh ./sighook /payload/calls
errors 60 . ./setup; ./errors_test.sh ./sighook /payload/calls /payload/calls-static
selectors 60 . ./setup; ./selectors_test.sh ./sighook /payload/calls /payload/names $offset $inside
list 200 . ./setup; ./list_test.sh ./sighook /payload/calls /payload/calls-static
programs 400 . ./setup; ./programs_test.sh ./sighook
signals 300 . ./setup; ./signals_test.sh ./sighook /payload/signals /payload/waits /payload/faults "$some_of_libc"
list_pid 300 . ./setup; ./list_pid_test.sh ./sighook /payload/calls /payload/calls-static /payload/itself 30000000
END
}

# Those of the C library have to be of one version.
copy_libraries() { # root folder
  local library
  mkdir -p "$2"
  for library in "$directory/$1"/usr/lib/aarch64-linux-gnu/lib*.so.*; do
    [ -e "$library" ] || continue
    [ -e "$directory/$root/${library#"$directory/$1/"}" ] && library=$directory/$root/${library#"$directory/$1/"}
    cp -L "$library" "$2"
  done
}

make_payload() {
  mkdir -p "$payload/agent"
  cp "$build/tool/sighook" "$build"/tests/tool/{calls,calls-static,names,itself,signals,waits,faults} "$here"/{checks,*_test}.sh \
    "$payload"
  cp "$build"/tool/agent/{libsighook-agent.so,sighook-host} "$payload/agent"
  write_setup
  write_commands
  mkdir -p "$payload/usr/lib"
  cp -a "$directory/root-12/usr/bin" "$payload/usr"
  cp -a "$directory"/root-12/usr/lib/python3* "$payload/usr/lib"
  copy_libraries root-12 "$payload/usr/lib/aarch64-linux-gnu"
}

report() {
  local test
  for test in "${tests[@]}"; do
    sed "s/^\(ok\|not ok\|skip\) - /&$test: /" "$scratch/results/$test.log" 2>/dev/null || true
    # A test that ended badly without naming a case is one: the runner's own word for it.
    sed -n "s/^failed: $test: (/not ok - $test: (/p" "$scratch/results/$test.notes" 2>/dev/null || echo "not ok - $test left no result"
  done
  sed -n "s/^init: //p" "$scratch/output"
}

run_once() {
  rm -rf "$scratch/results"
  "$here/../arm64/boot.sh" "$kernel" "$@" --results "$scratch/results" "$payload" >"$scratch/output" 2>&1
}

make_payload
status=0
run_once "$@" || status=$?
# With pages of 16 KiB the emulator has been seen to keep stale code (docs/porting.md), once in some hundred runs of this test even
# with one processor: a failure there counts if it comes twice.
if [ "$status" != 0 ] && [[ $kernel == *16k ]]; then
  report | sed -n 's/^not ok - /in a first run failed: /p'
  status=0
  run_once "$@" || status=$?
fi
report
[ "$status" = 0 ] || tail -n 20 "$scratch/output"
exit "$status"
