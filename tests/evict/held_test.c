/* A thread is held, as by a debugger, after each single step of its way through a hooked function, while another thread of its
 * process installs or removes; then it goes on, and must come to the right result. So no place where a thread can stand, in the
 * program's code, on an island or in a stub, may become another instruction's middle. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "targets.h"

enum { STEPS_MAX = 400, EACH = 40, STRIDE = 9,             /* each of the first steps, then some */
       WAY_MAX = 20000, ARGUMENT = 5 };

enum command { NOTHING, INSTALL, REMOVE, INSTALL_NEXT, REMOVE_BOTH, CALL, LEAVE };

static struct shared {
  _Atomic(enum command) command;
  atomic_int worker, call, done;      /* the worker's thread id; a call asked for; and made */
  long result;
  unsigned target;
  bool failed;
  sighook_entry entry;
} *shared;

/* ---- the child ---- */

/* Hit once by the worker, so that its counters are there: making them is no part of a way that is stepped through. */
static __attribute__((noinline)) long warm(long n)
{
  __asm__ volatile("");
  return n + ARGUMENT;
}

static void *work(void *unused)
{
  warm(ARGUMENT);
  atomic_store(&shared->worker, (int)syscall(SYS_gettid));
  for (;;) {
    while (!atomic_load(&shared->call))
      sched_yield();
    atomic_store(&shared->call, 0);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSTOP);     /* the tracer takes over */
    shared->result = targets[shared->target].function(ARGUMENT);
    atomic_store(&shared->done, 1);
  }
  return unused;
}

static sighook_status install(const uint8_t *address, sighook_hook *hook)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_COUNT, .address = (uintptr_t)address};

  return sighook_install(&spec, hook);
}

static sighook_status remove_both(sighook_hook site, sighook_hook next)
{
  sighook_batch *batch;
  sighook_status status = sighook_batch_create(&batch);

  status = status ? status : sighook_batch_remove(batch, site);
  status = status ? status : sighook_batch_remove(batch, next);
  status = status ? status : sighook_batch_commit(batch, NULL);
  sighook_batch_destroy(batch);
  return status;
}

static sighook_status obey(enum command command)
{
  static sighook_hook site, next;
  const struct target *target = &targets[shared->target];
  sighook_info info = {.size = sizeof info};
  sighook_status status = SIGHOOK_OK;

  if (command == INSTALL) {
    status = install(target->site, &site);
    status = status ? status : sighook_query(site, &info);
    shared->entry = info.entry;
  } else if (command == INSTALL_NEXT) {
    status = install(target->next, &next);
  } else if (command == REMOVE) {
    status = sighook_remove(site);
  } else if (command == REMOVE_BOTH) {
    status = remove_both(site, next);
  }
  return status;
}

static _Noreturn void child_main(void)
{
  pthread_t thread;
  sighook_hook hook;

  targets_crowd();
  install((const uint8_t *)warm, &hook);
  pthread_create(&thread, NULL, work, NULL);
  for (;;) {
    enum command command = atomic_load(&shared->command);

    if (command == LEAVE)
      _exit(0);
    if (command == NOTHING) {
      sched_yield();
      continue;
    }
    shared->failed = obey(command) != SIGHOOK_OK;
    atomic_store(&shared->command, NOTHING);
  }
}

/* ---- the tracer ---- */

static pid_t child, worker;

static void command(enum command what)
{
  atomic_store(&shared->command, what);
  while (atomic_load(&shared->command) != NOTHING)
    sched_yield();
  assert_false(shared->failed);
}

static uintptr_t stopped_at(void)
{
  struct user_regs_struct registers = {0};

  ptrace(PTRACE_GETREGS, worker, 0, &registers);
  return registers.rip;
}

/* Of the worker's stop: the signal to be passed on, which is the breakpoints' of the library only, or 0. */
static int signal_to_pass(void)
{
  siginfo_t info = {0};

  ptrace(PTRACE_GETSIGINFO, worker, 0, &info);
  return info.si_signo == SIGTRAP && info.si_code == SI_KERNEL ? SIGTRAP : 0;
}

/* One step. False where the process died. */
static bool step(void)
{
  int status, pass = 0;

  do {
    ptrace(PTRACE_SINGLESTEP, worker, 0, pass);
    if (waitpid(worker, &status, __WALL) != worker || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
      return false;
  } while ((pass = signal_to_pass()));
  return true;
}

/* Lets the worker go on to the end of its call, and run. False where that kills it. */
static bool finish(void)
{
  int status;

  ptrace(PTRACE_CONT, worker, 0, 0);
  while (!atomic_load(&shared->done)) {
    pid_t stopped = waitpid(worker, &status, __WALL | WNOHANG);

    if (stopped == worker && (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP))
      return false;
    if (stopped == worker)
      ptrace(PTRACE_CONT, worker, 0, signal_to_pass());
    usleep(50);
  }
  return true;
}

/* Calls the function, up to `steps` behind its first instruction. False where it has left the function by then. */
static bool call_and_hold(unsigned steps)
{
  const struct target *target = &targets[shared->target];
  int status;

  atomic_store(&shared->done, 0);
  atomic_store(&shared->call, 1);
  for (;;) {
    assert_int_equal(waitpid(worker, &status, __WALL), worker);
    assert_true(WIFSTOPPED(status));
    if (WSTOPSIG(status) == SIGSTOP)
      break;
    ptrace(PTRACE_CONT, worker, 0, signal_to_pass());
  }
  for (unsigned i = 0; stopped_at() != (uintptr_t)target->function; i++) {
    assert_true(i < WAY_MAX);
    if (!step())
      fail_msg("%s: died on its way there, %u steps, %u", target->name, i, steps);
  }
  for (unsigned i = 0; i < steps; i++) {
    uintptr_t from = stopped_at();

    if (!step())
      fail_msg("%s, site %#lx: died by the step from %#lx", target->name, (uintptr_t)target->site, from);
    if (atomic_load(&shared->done))
      return false;
  }
  return true;
}

static int start_child(void **state)
{
  int status;

  (void)state;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  child = fork();
  if (child == 0)
    child_main();
  while (!atomic_load(&shared->worker))
    sched_yield();
  worker = atomic_load(&shared->worker);
  status = (int)ptrace(PTRACE_SEIZE, worker, 0, 0);
  return status;
}

static int end_child(void **state)
{
  (void)state;
  kill(child, SIGKILL);
  while (waitpid(-1, NULL, __WALL) > 0)              /* the worker, which was traced, too */
    ;
  munmap(shared, sizeof *shared);
  return 0;
}

static void right_or_tell(const char *what, unsigned steps, uintptr_t held)
{
  const struct target *target = &targets[shared->target];
  bool done = finish();

  if (done && shared->result == target_expected(ARGUMENT))
    return;
  fail_msg("%s, site %#lx, other %#lx: held at %#lx, %u steps behind the entry, during %s: %s", target->name,
           (uintptr_t)target->site, (uintptr_t)target->next, held, steps, what, done ? "wrong result" : "died");
}

/* Holds the worker after each step in turn, meanwhile `during`; before the call `before`, afterwards `after`. */
static void hold_everywhere(const char *what, enum command before, enum command during, enum command after)
{
  bool inside = true;

  for (unsigned steps = 0; inside && steps < STEPS_MAX; steps += steps < EACH ? 1 : STRIDE) {
    uintptr_t held;

    if (before)
      command(before);
    inside = call_and_hold(steps);
    held = stopped_at();
    command(during);
    right_or_tell(what, steps, held);
    if (after)
      command(after);
  }
  assert_false(inside);
}

static void held_while_the_hook_comes(void **state)
{
  (void)state;
  for (shared->target = 0; shared->target < target_count; shared->target++)
    hold_everywhere("the installation", NOTHING, INSTALL, REMOVE);
}

static void held_while_the_hook_goes(void **state)
{
  (void)state;
  for (shared->target = 0; shared->target < target_count; shared->target++)
    hold_everywhere("the removal", INSTALL, REMOVE, NOTHING);
}

static void held_while_a_hook_joins_and_both_go(void **state)
{
  (void)state;
  for (shared->target = 0; shared->target < target_count; shared->target++) {
    hold_everywhere("an installation on the evicted", INSTALL, INSTALL_NEXT, REMOVE_BOTH);
    command(INSTALL);
    hold_everywhere("the removal of both", INSTALL_NEXT, REMOVE_BOTH, INSTALL);
    command(REMOVE);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(held_while_the_hook_comes, start_child, end_child),
      cmocka_unit_test_setup_teardown(held_while_the_hook_goes, start_child, end_child),
      cmocka_unit_test_setup_teardown(held_while_a_hook_joins_and_both_go, start_child, end_child),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
