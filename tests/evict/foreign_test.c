/* Breakpoints of somebody else's, written as debuggers do past the library's back, on the instructions that an entry leans on:
 * before the hook comes, or after. Both sides get what is theirs, and when they go the code is what it was. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ucontext.h>
#include "hooks.h"
#include "isa/x86_64/insn.h"
#include "targets.h"

enum { BREAKPOINT = 0xCC, BYTES = 64, LEANED = 8 };

static int memory;                    /* /proc/self/mem */
static uint8_t before[BYTES];
static uintptr_t broken;              /* where the breakpoint stands */
static uint8_t broken_byte;
static long delivered, hits;

static void write_code(uintptr_t address, uint8_t byte)
{
  REQUIRE(pwrite(memory, &byte, 1, (off_t)address) == 1);
}

static void set_breakpoint(uintptr_t address)
{
  broken = address;
  broken_byte = *(const volatile uint8_t *)address;
  write_code(address, BREAKPOINT);
}

static void clear_breakpoint(void)
{
  write_code(broken, broken_byte);
}

/* As a debugger would go over its breakpoint: the instruction is put back and run. */
static void on_trap(int signal, siginfo_t *info, void *context)
{
  ucontext_t *state = context;

  (void)signal;
  (void)info;
  REQUIRE((uintptr_t)state->uc_mcontext.gregs[REG_RIP] == broken + 1);
  delivered++;
  clear_breakpoint();
  state->uc_mcontext.gregs[REG_RIP] = (greg_t)broken;
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static sighook_status install(uintptr_t address, sighook_hook *hook)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = address, .handler = count};

  return sighook_install(&spec, hook);
}

static bool is_fragile(sighook_hook hook)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK);
  return info.fragile;
}

static void call(const struct target *target, long expected_hits)
{
  hits = 0;
  if (target->function(5) != target_expected(5) || hits != expected_hits) {
    fprintf(stderr, "%s, breakpoint at site%+ld: wrong result, or %ld hits\n", target->name,
            (long)(broken - (uintptr_t)target->site), hits);
    _exit(1);
  }
}

static void begin(void)
{
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

  sigaction(SIGTRAP, &action, NULL);
  memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  REQUIRE(memory >= 0);
  targets_crowd();
}

/* Instructions behind the site that its entry may lean on; by the original code. */
static unsigned starts_behind(const struct target *target, uintptr_t starts[LEANED])
{
  uintptr_t site = (uintptr_t)target->site, at = site;
  unsigned count = 0;

  for (at += x64_length((const void *)at, BYTES); at < site + LEANED; at += x64_length((const void *)at, BYTES))
    starts[count++] = at;
  return count;
}

static void after_the_hook(void)
{
  begin();
  for (unsigned i = 0; i < target_count; i++) {
    const struct target *target = &targets[i];
    uintptr_t starts[LEANED];
    unsigned count = starts_behind(target, starts);
    sighook_hook hook;

    memcpy(before, (const void *)(uintptr_t)target->function, BYTES);
    REQUIRE(install((uintptr_t)target->site, &hook) == SIGHOOK_OK);
    for (unsigned j = 0; j < count && !is_fragile(hook); j++) {
      set_breakpoint(starts[j]);
      call(target, 1);
      clear_breakpoint();
      call(target, 1);
    }
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    REQUIRE(memcmp(before, (const void *)(uintptr_t)target->function, BYTES) == 0);
  }
  REQUIRE(delivered > 0);
}

static void breakpoints_that_come_after_the_hook(void **state)
{
  (void)state;
  assert_true(in_child(after_the_hook));
}

/* The hook comes while the breakpoint stands; then either goes first. */
static void before_the_hook(unsigned hook_goes_first)
{
  begin();
  for (unsigned i = 0; i < target_count; i++) {
    const struct target *target = &targets[i];
    uintptr_t starts[LEANED];
    unsigned count = starts_behind(target, starts);

    memcpy(before, (const void *)(uintptr_t)target->function, BYTES);
    for (unsigned j = 0; j < count; j++) {
      sighook_hook hook;
      bool hooked;

      set_breakpoint(starts[j]);
      hooked = install((uintptr_t)target->site, &hook) == SIGHOOK_OK;
      if (hooked && hook_goes_first)
        REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
      clear_breakpoint();
      call(target, hooked && !hook_goes_first);
      if (hooked && !hook_goes_first)
        REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
      call(target, 0);
      REQUIRE(memcmp(before, (const void *)(uintptr_t)target->function, BYTES) == 0);
    }
  }
}

static void hook_first(void)
{
  before_the_hook(1);
}

static void breakpoint_first(void)
{
  before_the_hook(0);
}

static void breakpoints_that_stood_before_the_hook_and_outlive_it(void **state)
{
  (void)state;
  assert_true(in_child(hook_first));
}

static void breakpoints_that_stood_before_the_hook_and_go(void **state)
{
  (void)state;
  assert_true(in_child(breakpoint_first));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(breakpoints_that_come_after_the_hook),
      cmocka_unit_test(breakpoints_that_stood_before_the_hook_and_outlive_it),
      cmocka_unit_test(breakpoints_that_stood_before_the_hook_and_go),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
