/* The program's own breakpoints under a hook, and what is refused with a reason. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "live.h"
#include "patterns.h"

enum { WORD = 4 };

long own_breakpoint(long);
extern const char own_breakpoint_at[], not_elsewhere[], not_elsewhere_end[], lone_store[], lone_store_at[];

static volatile uintptr_t trapped_at, trap_address;
static volatile int traps;

static void step_over(int signal_number, siginfo_t *info, void *ucontext)
{
  mcontext_t *machine = &((ucontext_t *)ucontext)->uc_mcontext;

  (void)signal_number;
  traps++;
  trapped_at = machine->pc;
  trap_address = (uintptr_t)info->si_addr;
  machine->pc += WORD;
}

static sighook_spec at(uintptr_t address, uint32_t flags)
{
  return (sighook_spec){.size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = address, .handler = count, .flags = flags};
}

static void expect_breakpoint(const char *what)
{
  traps = 0;
  trapped_at = trap_address = 0;
  assert_int_equal(own_breakpoint(5), 8);
  if (traps != 1 || trapped_at != (uintptr_t)own_breakpoint_at || trap_address != (uintptr_t)own_breakpoint_at) {
    print_error("%s: %d traps, pc at +%ld, si_addr at +%ld of the breakpoint\n", what, traps,
                (long)(trapped_at - (uintptr_t)own_breakpoint_at), (long)(trap_address - (uintptr_t)own_breakpoint_at));
    fail();
  }
}

/* First in this program, so that the library's handler is installed behind this one. */
static void the_programs_own_breakpoint_is_reported_where_it_stands(void **state)
{
  static const uint32_t flags[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT};
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = step_over};

  (void)state;
  assert_int_equal(sigaction(SIGTRAP, &action, NULL), 0);
  expect_breakpoint("unhooked");
  for (unsigned i = 0; i < 3; i++) {
    sighook_hook hook = installed(at((uintptr_t)own_breakpoint_at, flags[i]));
    sighook_hook before = installed(at((uintptr_t)own_breakpoint, flags[i]));

    hits = 0;
    expect_breakpoint("hooked");
    assert_int_equal(hits, 2);
    assert_int_equal(sighook_remove(before), SIGHOOK_OK);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    expect_breakpoint("unhooked again");
  }
}

static void the_programs_own_breakpoint_kills_it_as_without_us(void **state)
{
  sighook_hook hook = installed(at((uintptr_t)own_breakpoint_at, 0));
  int status;
  pid_t child = fork();

  (void)state;
  if (child == 0) {
    signal(SIGTRAP, SIG_DFL);
    own_breakpoint(5);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void expect_refusal(sighook_status status, sighook_status expected, const char *reason)
{
  sighook_error error = {.size = sizeof error};

  assert_int_equal(status, expected);
  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  if (!strstr(error.message, reason)) {
    print_error("\"%s\" does not say \"%s\"\n", error.message, reason);
    fail();
  }
}

static void callback(uintptr_t address, sighook_context *context)
{
  (void)address;
  (void)context;
}

static void misaligned_addresses_are_refused_by_every_call(void **state)
{
  const uint8_t word[WORD] = {0x1f, 0x20, 0x03, 0xd5};

  (void)state;
  for (uintptr_t shift = 1; shift < WORD; shift++) {
    uintptr_t address = (uintptr_t)adds_1234 + shift;
    sighook_spec spec = at(address, 0), trap = at(address, SIGHOOK_FORCE_TRAP);
    sighook_info info = {.size = sizeof info};
    sighook_hook hook;

    expect_refusal(sighook_install(&spec, &hook), SIGHOOK_BAD_ADDRESS, "misaligned");
    expect_refusal(sighook_install(&trap, &hook), SIGHOOK_BAD_ADDRESS, "misaligned");
    expect_refusal(sighook_check(&spec, &info), SIGHOOK_BAD_ADDRESS, "misaligned");
    expect_refusal(sighook_instrument(address, callback, NULL), SIGHOOK_BAD_ADDRESS, "misaligned");
    expect_refusal(sighook_instrument_no_original(address, callback, NULL), SIGHOOK_BAD_ADDRESS, "misaligned");
    expect_refusal(sighook_inline_hook(address, (const void *)simple, NULL, NULL), SIGHOOK_BAD_ADDRESS, "misaligned");
    expect_refusal(sighook_patchcode(address, 0xd503201f, NULL), SIGHOOK_BAD_ADDRESS, "misaligned");
    expect_refusal(sighook_patch_bytes(address, word, WORD, NULL), SIGHOOK_BAD_ADDRESS, "misaligned");
  }
  assert_int_equal(adds_1234(1), 1235);
}

static void what_cannot_run_elsewhere_is_refused_with_the_reason(void **state)
{
  (void)state;
  for (const char *address = not_elsewhere; address < not_elsewhere_end; address += WORD) {
    sighook_spec spec = at((uintptr_t)address, 0), skip = spec;
    sighook_hook hook;

    expect_refusal(sighook_install(&spec, &hook), SIGHOOK_UNRELOCATABLE, "link register");
    skip.flags = SIGHOOK_FORCE_TRAP;
    expect_refusal(sighook_install(&skip, &hook), SIGHOOK_UNRELOCATABLE, "link register");
  }
  expect_refusal(sighook_instrument((uintptr_t)lone_store_at, callback, NULL), SIGHOOK_UNRELOCATABLE, "exclusive");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_programs_own_breakpoint_is_reported_where_it_stands),
      cmocka_unit_test(the_programs_own_breakpoint_kills_it_as_without_us),
      cmocka_unit_test(misaligned_addresses_are_refused_by_every_call),
      cmocka_unit_test(what_cannot_run_elsewhere_is_refused_with_the_reason),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
