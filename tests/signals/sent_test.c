/* SIGTRAP that somebody sends while threads run into ours, breakpoints of the program's own that are hooked, and a
 * tracer that steps through hooked code: all as without us. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include "branches.h"
#include "child.h"
#include "faults.h"
#include "live.h"
#include "patterns.h"
#include "refused.h"

enum {
  SENT = 2000,
  BURST = 8,
  LONGER = 20,
  PAUSE = 10,
  WAITS_MAX = 100000,
  ARGUMENT = 5,
  STEPS_MAX = 2000000
};

static atomic_ulong received, calls, wrong, alien;
static atomic_bool stop;

static int wanted_code;

static void on_sent(int signal_number, siginfo_t *info, void *context)
{
  (void)context;
  if (signal_number != SIGTRAP || info->si_code != wanted_code || info->si_pid != getpid())
    atomic_fetch_add(&alien, 1);
  atomic_fetch_add(&received, 1);
}

static void handle(void (*handler)(int, siginfo_t *, void *))
{
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

  REQUIRE(sigaction(SIGTRAP, &action, NULL) == 0);
}

static void install(uintptr_t address, uint32_t flags, sighook_hook *hook)
{
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = address, .handler = count};

  REQUIRE(sighook_install(&spec, hook) == SIGHOOK_OK);
}

/* ---- at traps ---- */

static void *call_all_the_time(void *unused)
{
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    if (adds_1234(ARGUMENT) != ARGUMENT + 1234)
      atomic_fetch_add(&wrong, 1);
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  }
  return unused;
}

static void wait_for(atomic_ulong *count, unsigned long number)
{
  for (unsigned waited = 0; atomic_load(count) < number; waited++) {
    REQUIRE(waited < WAITS_MAX);
    if (waited > 100)
      usleep(PAUSE);
    else
      sched_yield();
  }
}

/* One after the other, each when the one before has come. */
static void send_one(unsigned long number)
{
  REQUIRE(kill(getpid(), SIGTRAP) == 0);
  wait_for(&received, number);
}

static unsigned long times(void)
{
  return (unsigned long)SENT * (getenv("SIGHOOK_LONG") ? LONGER : 1);
}

static pthread_t start_calls(int code)
{
  sighook_hook hook;
  pthread_t thread;

  wanted_code = code;
  handle(on_sent);
  install((uintptr_t)adds_1234, SIGHOOK_FORCE_TRAP, &hook);
  REQUIRE(pthread_create(&thread, NULL, call_all_the_time, NULL) == 0);
  mask_signal(SIG_BLOCK, SIGTRAP); /* what is sent to the process is for the other thread */
  return thread;
}

static void end_calls(pthread_t thread)
{
  atomic_store(&stop, true);
  pthread_join(thread, NULL);
  REQUIRE(!atomic_load(&wrong) && !atomic_load(&alien) && (unsigned long)hits == atomic_load(&calls));
}

static void send_to_the_process(void)
{
  pthread_t thread = start_calls(SI_USER);

  for (unsigned long i = 1; i <= times(); i++)
    send_one(i);
  end_calls(thread);
  REQUIRE(atomic_load(&received) == times());
}

static void none_that_is_sent_to_the_process_is_lost(void **state)
{
  (void)state;
  assert_true(in_child(send_to_the_process));
}

/* The kernel merges those with a trap's that pends, one way or the other. In bursts, each to a thread that runs: what comes while
 * it does not is one signal, and what comes before a handler has begun takes a frame of the stack each. */
static void send_to_the_thread(void)
{
  pthread_t thread = start_calls(SI_TKILL);

  for (unsigned long i = 0; i < times(); i++) {
    if (i % BURST == 0)
      wait_for(&calls, atomic_load(&calls) + 1);
    REQUIRE(pthread_kill(thread, SIGTRAP) == 0);
  }
  end_calls(thread);
  REQUIRE(atomic_load(&received) > 0 && atomic_load(&received) <= times());
}

static void those_sent_to_a_thread_make_it_miss_no_trap(void **state)
{
  (void)state;
  assert_true(in_child(send_to_the_thread));
}

/* ---- hooked breakpoints of the program's own ---- */

static volatile uintptr_t broken_at;
static volatile long broken;

static void step_over(int signal_number, siginfo_t *info, void *context)
{
  REQUIRE(signal_number == SIGTRAP && info->si_code > 0);
  broken_at = signal_pc(context);
  broken++;
  signal_set_pc(context, behind_fault(broken_at));
}

static void hook_a_breakpoint(void)
{
  handle(step_over);
  for (unsigned forced = 0; forced < 2; forced++) {
    sighook_hook hook;

    install((uintptr_t)breaks_at, forced ? SIGHOOK_FORCE_TRAP : 0, &hook);
    hits = broken = 0;
    breaks(ARGUMENT);
    REQUIRE(hits == 1 && broken == 1 && broken_at == (uintptr_t)breaks_at + BREAKPOINT_BEHIND);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    breaks(ARGUMENT);
    REQUIRE(hits == 1 && broken == 2 && broken_at == (uintptr_t)breaks_at + BREAKPOINT_BEHIND);
  }
}

static void a_hooked_breakpoint_is_reported_where_it_stood(void **state)
{
  (void)state;
  assert_true(in_child(hook_a_breakpoint));
}

/* ---- under a tracer ---- */

static void call_hooked(void)
{
  struct branch branches[BRANCHES_MAX];
  unsigned number = branches_of_each_kind(branches, ARGUMENT);
  sighook_hook hooks[BRANCHES_MAX], trap;

  for (unsigned i = 1; i < number; i++)
    install(branches[i].site, 0, &hooks[i]);
  install(branches[0].site, SIGHOOK_FORCE_TRAP, &trap);
  hits = 0;
  /* Not by raise(), which blocks signals in some C libraries: a step there has the kernel take the handler away. */
  REQUIRE(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 && syscall(SYS_tgkill, getpid(), thread_id(), SIGSTOP) == 0);
  for (unsigned i = 0; i < number; i++)
    REQUIRE(branches[i].function(ARGUMENT) == branches[i].result);
  REQUIRE(hits == (long)number);
  _exit(0);
}

/* What the library's traps raise is passed on; steps are not. */
static int signal_to_pass(pid_t child, int status)
{
  siginfo_t info = {0};

  if (WSTOPSIG(status) != SIGTRAP)
    return WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
  ptrace(PTRACE_GETSIGINFO, child, 0, &info);
  return info.si_code == BREAKPOINT_CODE ? SIGTRAP : 0;
}

static void stepping_through_hooks_changes_nothing(void **state)
{
  unsigned steps = 0, passed = 0;
  int status = 0;
  pid_t child = fork();

  (void)state;
  if (child == 0)
    call_hooked();
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status) && steps++ < STEPS_MAX) {
    int pass = signal_to_pass(child, status);

    passed += pass == SIGTRAP;
    if (ptrace(PTRACE_SINGLESTEP, child, 0, pass) != 0)
      break;
  }
  assert_int_equal(status, 0);
  assert_int_equal(passed, 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(none_that_is_sent_to_the_process_is_lost),
      cmocka_unit_test(those_sent_to_a_thread_make_it_miss_no_trap),
      cmocka_unit_test(a_hooked_breakpoint_is_reported_where_it_stood),
      cmocka_unit_test(stepping_through_hooks_changes_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
