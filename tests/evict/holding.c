#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "holding.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAY_MAX = 20000, PAUSE = 10 };      /* microseconds, while it waits for the other */

struct holding_shared *shared;
static const struct holding *test;

/* ---- the child ---- */

/* Hit once by the worker, so that its counters are there: making them is no part of a way that is stepped through. */
static __attribute__((noinline)) long warm(long n)
{
  __asm__ volatile("");
  return n + HOLDING_ARGUMENT;
}

static void *work(void *unused)
{
  warm(HOLDING_ARGUMENT);
  atomic_store(&shared->worker, (int)syscall(SYS_gettid));
  for (;;) {
    while (!atomic_load(&shared->call))
      usleep(PAUSE);
    atomic_store(&shared->call, 0);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSTOP);     /* the tracer takes over */
    shared->result = test->call();
    atomic_store(&shared->done, 1);
  }
  return unused;
}

sighook_status holding_install(const uint8_t *address, sighook_hook *hook)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_COUNT, .address = (uintptr_t)address};

  return sighook_install(&spec, hook);
}

sighook_status holding_remove_both(sighook_hook one, sighook_hook other)
{
  sighook_batch *batch;
  sighook_status status = sighook_batch_create(&batch);

  status = status ? status : sighook_batch_remove(batch, one);
  status = status ? status : sighook_batch_remove(batch, other);
  status = status ? status : sighook_batch_commit(batch, NULL);
  sighook_batch_destroy(batch);
  return status;
}

static _Noreturn void child_main(void)
{
  pthread_t thread;
  sighook_hook hook;

  test->prepare();
  holding_install((const uint8_t *)warm, &hook);
  pthread_create(&thread, NULL, work, NULL);
  for (;;) {
    int command = atomic_load(&shared->command);

    if (!command) {
      usleep(PAUSE);
      continue;
    }
    shared->failed = test->obey(command) != SIGHOOK_OK;
    atomic_store(&shared->command, 0);
  }
}

/* ---- the tracer ---- */

static pid_t child, worker;
static unsigned held_steps;
static int held_signal;               /* one that is still to be passed on, or 0 */

void holding_command(int command)
{
  atomic_store(&shared->command, command);
  while (atomic_load(&shared->command))
    usleep(PAUSE);
  assert_false(shared->failed);
}

uintptr_t holding_at(void)
{
  struct user_regs_struct registers = {0};

  ptrace(PTRACE_GETREGS, worker, 0, &registers);
  return registers.rip;
}

/* Of the worker's stop: the signal to be passed on, which is what the library's traps raise, or 0. */
static int signal_to_pass(void)
{
  siginfo_t info = {0};

  ptrace(PTRACE_GETSIGINFO, worker, 0, &info);
  if (info.si_signo == SIGILL && info.si_code > 0)
    return SIGILL;
  return info.si_signo == SIGTRAP && info.si_code == SI_KERNEL ? SIGTRAP : 0;
}

static bool is_trap(int status)
{
  return WIFSTOPPED(status) && (WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGILL);
}

/* One step. False where the process died. */
static bool step(void)
{
  int status, pass = 0;

  do {
    ptrace(PTRACE_SINGLESTEP, worker, 0, pass);
    if (waitpid(worker, &status, __WALL) != worker || !is_trap(status))
      return false;
  } while ((pass = signal_to_pass()));
  return true;
}

bool holding_finish(void)
{
  int status;

  ptrace(PTRACE_CONT, worker, 0, held_signal);
  while (!atomic_load(&shared->done)) {
    pid_t stopped = waitpid(worker, &status, __WALL | WNOHANG);

    if (stopped == worker && !is_trap(status))
      return false;
    if (stopped == worker)
      ptrace(PTRACE_CONT, worker, 0, signal_to_pass());
    usleep(PAUSE);
  }
  return true;
}

static void begin_call(void)
{
  int status;

  held_signal = 0;
  held_steps = 0;
  atomic_store(&shared->done, 0);
  atomic_store(&shared->call, 1);
  for (;;) {
    assert_int_equal(waitpid(worker, &status, __WALL), worker);
    assert_true(WIFSTOPPED(status));
    if (WSTOPSIG(status) == SIGSTOP)
      break;
    ptrace(PTRACE_CONT, worker, 0, signal_to_pass());
  }
}

bool holding_call(uintptr_t from, unsigned steps)
{
  begin_call();
  for (unsigned i = 0; holding_at() != from; i++) {
    assert_true(i < WAY_MAX);
    if (!step())
      fail_msg("died on the way to %#lx, %u steps", from, i);
  }
  for (; held_steps < steps; held_steps++) {
    uintptr_t at = holding_at();

    if (!step())
      fail_msg("died by the step from %#lx, %u behind %#lx", at, held_steps, from);
    if (atomic_load(&shared->done))
      return false;
  }
  return true;
}

bool holding_call_to_signal(void)
{
  int status;

  begin_call();
  ptrace(PTRACE_CONT, worker, 0, 0);
  while (!held_signal) {
    pid_t stopped = waitpid(worker, &status, __WALL | WNOHANG);

    if (stopped == worker && !is_trap(status))
      fail_msg("died on its way to a signal");
    if (stopped == worker)
      held_signal = signal_to_pass();
    if (stopped != worker && atomic_load(&shared->done))
      return false;
    usleep(PAUSE);
  }
  return true;
}

void holding_finish_right(const char *name, const char *during, long expected)
{
  uintptr_t at = holding_at();
  bool done = holding_finish();

  if (!done || shared->result != expected)
    fail_msg("%s, way %u: held at %#lx, %u steps behind the start, signal %d, during %s: %s", name, shared->way, at, held_steps,
             held_signal, during, done ? "wrong result" : "died");
}

void holding_start(const struct holding *holding)
{
  test = holding;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  child = fork();
  if (child == 0)
    child_main();
  while (!atomic_load(&shared->worker))
    usleep(PAUSE);
  worker = atomic_load(&shared->worker);
  assert_int_equal(ptrace(PTRACE_SEIZE, worker, 0, 0), 0);
}

void holding_end(void)
{
  kill(child, SIGKILL);
  while (waitpid(-1, NULL, __WALL) > 0)              /* the worker, which was traced, too */
    ;
  munmap(shared, sizeof *shared);
}
