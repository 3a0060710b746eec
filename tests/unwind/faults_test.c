/* Faults of displaced instructions: a handler that calls sighook_fix_context finds the pc and the registers of the unhooked run, and
 * where it repairs what was wrong and returns, the instruction is tried again, callback included. One that knows nothing of us may
 * repair too: then the displaced instruction is what is tried again. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "child.h"
#include "traced_machine.h"

struct fault {
  const char *name;
  const void *function, *at;
  uintptr_t repair;                  /* what the first argument's register should have held; 0: the instruction is stepped over */
  long signal;
  const void *site;                  /* what is hooked: the same, or what it gives way to */
  const char *reason;                /* part of why there is no better entry than stands there; NULL: whichever */
};
extern const struct fault faults[];

/* Whatever has to be so before they are hooked. */
void faults_prepare(void);

static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT, SIGHOOK_INTEGER_ONLY};
enum { ENTRIES = sizeof entries / sizeof *entries };

void *bus_page;                      /* beyond the end of its file */

static const struct fault *fault;
static volatile long hits;
static bool fixes;
static struct seen {
  int count, signal;
  sighook_context context;
  uintptr_t told;                    /* of the pc */
  uintptr_t address;                 /* si_addr, told likewise where it is the instruction's */
} seen, expected;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static void repair(int number, siginfo_t *info, void *ucontext)
{
  if (seen.count++ > 3)
    _exit(1);
  seen.signal = number;
  seen.told = sighook_original_pc(machine_pc_of(ucontext));
  if (fixes)
    sighook_fix_context(ucontext);
  seen.address = sighook_original_pc((uintptr_t)info->si_addr);
  machine_context(ucontext, &seen.context);
  if (fault->repair)
    machine_set_argument(ucontext, fault->repair);
  else
    machine_step_over_illegal(ucontext);
}

static void handle(void)
{
  struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};

  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  sigaction(SIGFPE, &action, NULL);
  sigaction(SIGILL, &action, NULL);
}

static void make_bus_page(void)
{
  FILE *file = tmpfile();

  assert_non_null(file);
  bus_page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
  assert_ptr_not_equal(bus_page, MAP_FAILED);
}

/* Each time by the same call, so that sp is the same. */
static __attribute__((noinline)) long run(void)
{
  memset(&seen, 0, sizeof seen);
  hits = 0;
  return call_filled(fault->function);
}

static sighook_hook installed(uint32_t flags)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .handler = count};
  sighook_info info = {.size = sizeof info};
  sighook_hook hook;

  spec.address = (uintptr_t)fault->site;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  if (fault->reason && !(flags & SIGHOOK_FORCE_TRAP) && !strstr(info.reason, fault->reason))
    fail_msg("%s: entry %d, %s", fault->name, info.entry, info.reason);
  return hook;
}

static void check(long result, uint32_t flags)
{
  sighook_hook hook = installed(flags);

  for (int knows = 0; knows < 2; knows++) {
    bool again = knows && fault->repair && fault->site == fault->at;     /* the hooked instruction is tried again */

    fixes = knows;
    if (run() != result || hits != 1 + again || seen.count != 1 || seen.signal != expected.signal ||
        seen.told != expected.told || seen.address != expected.address)
      fail_msg("%s, flags %u: %ld hits, %d signals, the last %d, at %#lx", fault->name, flags, hits, seen.count, seen.signal,
               (long)seen.told);
    if (fixes)
      assert_memory_equal(&seen.context, &expected.context, sizeof seen.context);
  }
  assert_int_equal(sighook_remove_wait(hook, 1000), SIGHOOK_OK);
}

static void a_fault_is_told_as_unhooked_and_can_be_repaired(void **state)
{
  (void)state;
  make_bus_page();
  handle();
  for (fault = faults; fault->name; fault++) {
    long result;

    fixes = true;
    result = run();
    expected = seen;
    assert_int_equal(expected.count, 1);
    assert_int_equal(expected.signal, fault->signal);
    assert_ptr_equal(expected.told, fault->at);
    for (unsigned i = 0; i < ENTRIES; i++)
      check(result, entries[i]);
  }
}

/* ---- without a handler ---- */

static uint32_t entry;               /* the one tried */

static void end_by_fault(void)
{
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
    signal(signals[i], SIG_DFL);
  installed(entry);
  run();
}

static void a_fault_without_a_handler_ends_the_process_as_unhooked(void **state)
{
  (void)state;
  for (fault = faults; fault->name; fault++)
    for (unsigned i = 0; i < ENTRIES; i++) {
      entry = entries[i];
      assert_true(child_is_killed_by((int)fault->signal, end_by_fault));
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fault_is_told_as_unhooked_and_can_be_repaired),
      cmocka_unit_test(a_fault_without_a_handler_ends_the_process_as_unhooked),
  };

  faults_prepare();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
