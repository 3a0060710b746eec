/* Of the instructions of real libraries, as they are loaded here: how many get a branch, how many a trap, how many are refused
 * and why, by sighook_check. What is refused or trapped must have a reason that the machine's table names. One instruction of so
 * many is asked for: of EXPECTED_STRIDE, with SIGHOOK_LONG of EXPECTED_STRIDE_LONG, or of as many as SIGHOOK_STRIDE says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sighook/sighook.h>
#include "expected.h"
#include "host/host.h"
#include "library.h"

enum { COMPLAINTS_MAX = 20, PERMILLE = 1000 };

enum place { IN_FUNCTIONS, ELSEWHERE, PLACES };         /* by the unwind table; the rest of the sections of instructions */
static const char *const place_names[PLACES] = {"functions", "elsewhere"};

struct share {
  unsigned long instructions, asked, branches, puns, evictions, traps[EXPECTED_TRAPS], refused[EXPECTED_REFUSALS];
};

static unsigned stride, complaints;

static void complain(uintptr_t address, const char *what, const char *why)
{
  if (complaints++ < COMPLAINTS_MAX)
    print_error("%#lx: %s: %s\n", address, what, why);
}

static void tally_refusal(struct share *share, uintptr_t address)
{
  sighook_error error = {.size = sizeof error};
  int reason;

  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  reason = expected_index(error.message, expected_refusals, EXPECTED_REFUSALS);
  if (reason >= 0)
    share->refused[reason]++;
  else
    complain(address, sighook_status_name(error.status), error.message);
}

static void tally_trap(struct share *share, uintptr_t address, const char *why)
{
  int reason = expected_index(why, expected_traps, EXPECTED_TRAPS);

  if (reason >= 0)
    share->traps[reason]++;
  else
    complain(address, "trap", why);
}

static void unused(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

static void ask(struct share *share, uintptr_t address)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = address, .handler = unused};
  sighook_info info = {.size = sizeof info};

  share->asked++;
  if (sighook_check(&spec, &info) != SIGHOOK_OK)
    tally_refusal(share, address);
  else if (info.entry == SIGHOOK_ENTRY_TRAP)
    tally_trap(share, address, info.reason);
  else if (info.entry == SIGHOOK_ENTRY_PUNNED)
    share->puns++;
  else if (info.entry == SIGHOOK_ENTRY_EVICTED)
    share->evictions++;
  else
    share->branches += info.entry == SIGHOOK_ENTRY_BRANCH;
}

static void walk(struct share *share, uintptr_t address, uintptr_t end)
{
  while (address < end) {
    size_t length = host_insn_length((const uint8_t *)address, end - address);

    if (!length)
      break;
    if (share->instructions++ % stride == 0)
      ask(share, address);
    address += length;
  }
}

/* Functions in order; what lies between them is asked about too where instructions can be told without them. */
static void walk_section(const struct library *library, unsigned section, struct share shares[PLACES])
{
  uintptr_t at = library->start[section], end = library->end[section], next;
  struct eh_function function;

  for (next = eh_next_start(&library->table, at - 1); next < end; next = eh_next_start(&library->table, next)) {
    if (!eh_find(&library->table, next, &function) || function.is_signal_frame || function.start < at || function.end > end)
      continue;
    if (EXPECTED_WORDS)
      walk(&shares[ELSEWHERE], at, function.start);
    walk(&shares[IN_FUNCTIONS], function.start, function.end);
    at = function.end;
  }
  if (EXPECTED_WORDS)
    walk(&shares[ELSEWHERE], at, end);
}

static unsigned long sum(const unsigned long *counts, unsigned count)
{
  unsigned long total = 0;

  for (unsigned i = 0; i < count; i++)
    total += counts[i];
  return total;
}

static void print_share(const char *library, enum place place, const struct share *share)
{
  print_message("%-14s %-9s %8lu instructions, %8lu asked: %8lu branch, %6lu punned, %6lu evicted, %6lu trap, %5lu refused\n", library,
                place_names[place], share->instructions, share->asked, share->branches, share->puns, share->evictions,
                sum(share->traps, EXPECTED_TRAPS), sum(share->refused, EXPECTED_REFUSALS));
  for (unsigned i = 0; i < EXPECTED_TRAPS; i++)
    if (share->traps[i])
      print_message("  %6lu trap: ... %s ...\n", share->traps[i], expected_traps[i]);
  for (unsigned i = 0; i < EXPECTED_REFUSALS; i++)
    if (share->refused[i])
      print_message("  %6lu refused: ... %s ...\n", share->refused[i], expected_refusals[i]);
}

static void every_instruction_gets_what_is_expected(void **state)
{
  struct library library = {.name = *state};
  struct share shares[PLACES] = {0}, *share = &shares[IN_FUNCTIONS];
  unsigned long traps, refused;

  assert_true(library_find(&library));
  complaints = 0;
  for (unsigned i = 0; i < library.sections; i++)
    walk_section(&library, i, shares);
  for (enum place place = IN_FUNCTIONS; place < (EXPECTED_WORDS ? PLACES : ELSEWHERE); place++)
    print_share(library.name, place, &shares[place]);
  assert_int_equal(complaints, 0);
  traps = sum(share->traps, EXPECTED_TRAPS);
  refused = sum(share->refused, EXPECTED_REFUSALS);
  assert_true(share->instructions > 50000);
  assert_int_equal(share->branches + share->puns + share->evictions + traps + refused, share->asked);
  assert_in_range(traps, 0, share->asked * EXPECTED_TRAPS_PERMILLE / PERMILLE);
  assert_in_range(refused, 0, share->asked * EXPECTED_REFUSALS_PERMILLE / PERMILLE);
}

static unsigned chosen_stride(void)
{
  const char *wanted = getenv("SIGHOOK_STRIDE");

  if (wanted)
    return (unsigned)strtoul(wanted, NULL, 10);
  return getenv("SIGHOOK_LONG") ? EXPECTED_STRIDE_LONG : EXPECTED_STRIDE;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      {"every_instruction_of_libc", every_instruction_gets_what_is_expected, NULL, NULL, "libc.so"},
      {"every_instruction_of_libcrypto", every_instruction_gets_what_is_expected, NULL, NULL, "libcrypto.so"},
      {"every_instruction_of_libstdcxx", every_instruction_gets_what_is_expected, NULL, NULL, "libstdc++.so"},
  };

  stride = chosen_stride();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
