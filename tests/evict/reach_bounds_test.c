/* What no jump reaches over, and how many there may be that reach over others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "hooks.h"
#include "isa/x86_64/insn.h"
#include "reach.h"

enum { BYTES = 40, BEFORE = 8, ARGUMENT = 5, BREAKPOINT = 0xCC, NOP = 0x90 };

/* ---- what stays ---- */

#define EVERY_STAYER(X)                                                                                \
  X(before_target) X(before_loop) X(before_return) X(before_entry) X(before_near_entry) \
  X(before_unseen) X(before_breakpoint) X(before_popcnt) X(before_ud2)
#define DECLARE(name) \
  long name(long);    \
  extern const uint8_t name##_site[], name##_next[];
EVERY_STAYER(DECLARE)
#define STAYER(name) {#name, name, name##_site, name##_next},
static const struct stayer {
  const char *name;
  long (*function)(long);
  const uint8_t *site, *next;
} stayers[] = {EVERY_STAYER(STAYER)};
enum { STAYERS = sizeof stayers / sizeof *stayers, STAY_ALWAYS = STAYERS - 2 };

static void hook_before(const struct stayer *stayer, bool may_be_boundary)
{
  const uint8_t *from = stayer->site - BEFORE;
  sighook_spec spec = spec_of((uintptr_t)stayer->site, 0);
  sighook_info info = {.size = sizeof info}, foreseen = {.size = sizeof foreseen};
  uint8_t before[BYTES];
  sighook_hook hook;

  memcpy(before, from, BYTES);
  reach_crowd_at(stayer->site, (unsigned)(stayer->next - stayer->site));
  REQUIRE(sighook_check(&spec, &foreseen) == SIGHOOK_OK);
  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK && info.entry == foreseen.entry);
  if (may_be_boundary ? *(const volatile uint8_t *)stayer->next != BREAKPOINT : info.entry != SIGHOOK_ENTRY_TRAP) {
    fprintf(stderr, "%s: entry %d, %s\n", stayer->name, info.entry, info.reason);
    _exit(1);
  }
  REQUIRE(reach_is_boundary(stayer->next) == may_be_boundary);
  REQUIRE(stayer->function(ARGUMENT) == reach_expected(ARGUMENT));
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  REQUIRE(memcmp(before, from, BYTES) == 0);
}

static void hook_before_stayers(void)
{
  for (unsigned i = 0; i < STAYERS; i++)
    hook_before(&stayers[i], i >= STAY_ALWAYS);
}

static void what_may_be_reached_otherwise_stays(void **state)
{
  (void)state;
  assert_true(in_child(hook_before_stayers));
}

/* Where a breakpoint could lead nowhere, no other byte is tried at what a processor may not have. */
static void without_breakpoints(void)
{
  for (unsigned i = STAY_ALWAYS; i < STAYERS; i++) {
    struct reach reach = {.site = stayers[i].site, .boundaries = {stayers[i].next}, .count = 1};

    reach_crowd_breakpoints(&reach);
    hook_before(&stayers[i], false);
  }
}

static void only_what_every_processor_has_is_taken_for_illegal(void **state)
{
  (void)state;
  if (!reach_is_possible(REACH_ILLEGAL))
    skip();
  assert_true(in_child(without_breakpoints));
}

/* By request. */
static void no_leaning(void)
{
  reach_crowd(REACH_BREAKPOINTS);
  for (unsigned i = 0; i < reach_count; i++)
    for (unsigned forced = 0; forced < 2; forced++) {
      sighook_spec spec = spec_of((uintptr_t)reaches[i].site, forced ? SIGHOOK_FORCE_TRAP : SIGHOOK_NO_PUN);
      sighook_info info = {.size = sizeof info};
      sighook_hook hook;

      REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
      REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK && info.entry == SIGHOOK_ENTRY_TRAP);
      REQUIRE(!reach_is_boundary(reaches[i].boundaries[0]));
      REQUIRE(reaches[i].function(ARGUMENT) == reach_expected(ARGUMENT));
      REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    }
}

static void flags_forbid_it(void **state)
{
  (void)state;
  assert_true(in_child(no_leaning));
}

/* ---- what is refused there ---- */

static size_t length_at(const struct reach *reach, const uint8_t *address, const uint8_t *before)
{
  return x64_length(before + (address - reach->site), X64_INSN_MAX);
}

/* Neither over the site nor over what gave way; and nobody hooked the latter. */
static void refuse(void)
{
  reach_crowd(REACH_BREAKPOINTS);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++) {
    const struct reach *reach = &reaches[i];
    sighook_spec spec = spec_of((uintptr_t)reach->site, 0);
    uint8_t nops[X64_INSN_MAX], before[BYTES];
    sighook_hook hook;

    memset(nops, NOP, sizeof nops);
    memcpy(before, reach->site, BYTES);
    hook = reach_install(reach, REACH_BREAKPOINTS, &spec);
    for (unsigned j = 0; j <= reach->count; j++) {
      const uint8_t *address = j ? reach->boundaries[j - 1] : reach->site;
      uint32_t opcode;

      REQUIRE(sighook_patch_bytes((uintptr_t)address, nops, length_at(reach, address, before), NULL) == SIGHOOK_ALREADY_HOOKED);
      REQUIRE(sighook_patchcode((uintptr_t)address, 0x90909090, NULL) != SIGHOOK_OK);
      REQUIRE(j == 0 || sighook_unhook((uintptr_t)address) == SIGHOOK_NOT_FOUND);
      REQUIRE(j == 0 || sighook_original_opcode((uintptr_t)address, &opcode) == SIGHOOK_NOT_FOUND);
    }
    REQUIRE(reach_stands(reach, REACH_BREAKPOINTS) && reach->function(ARGUMENT) == reach_expected(ARGUMENT));
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    reach_require_unchanged(reach);
  }
}

static void patches_over_boundaries_are_refused_and_nothing_is_there_to_unhook(void **state)
{
  (void)state;
  assert_true(in_child(refuse));
}

/* ---- many ---- */

extern const uint8_t many[], many_end[];
enum { MANY = 400, STEP = 32, THREE = 3 };

static uint8_t pristine[MANY * STEP];
static uintptr_t addresses[MANY];
static sighook_hook hooks[MANY];

static void crowd_many(void)
{
  REQUIRE(many_end - many == (ptrdiff_t)sizeof pristine);
  memcpy(pristine, many, sizeof pristine);
  for (unsigned i = 0; i < MANY; i++) {
    addresses[i] = (uintptr_t)many + i * STEP;
    reach_crowd_at((const uint8_t *)addresses[i], 1);
  }
}

static unsigned count_boundaries(void)
{
  unsigned count = 0;

  for (unsigned i = 0; i < MANY; i++)
    for (unsigned j = 1; j <= THREE; j++)
      count += reach_is_boundary(many + i * STEP + j);
  return count;
}

static void call_many(void)
{
  for (unsigned i = 0; i < MANY; i++)
    REQUIRE(((long (*)(long))addresses[i])(ARGUMENT) == reach_expected(ARGUMENT));
}

/* More boundaries go than there are hooks, and all of them come back. */
static void remove_many_at_once(void)
{
  crowd_many();
  for (unsigned i = 0; i < MANY; i++) {
    sighook_spec spec = spec_of(addresses[i], 0);

    REQUIRE(sighook_install(&spec, &hooks[i]) == SIGHOOK_OK);
  }
  REQUIRE(count_boundaries() == MANY * THREE);
  call_many();
  REQUIRE(remove_all(hooks, MANY));
  call_many();
  REQUIRE(count_boundaries() == 0);
  REQUIRE(memcmp(pristine, many, sizeof pristine) == 0);
}

static void install_many_at_once(void)
{
  crowd_many();
  REQUIRE(install_all(addresses, hooks, MANY, 0));
  printf("%u boundaries of %u\n", count_boundaries(), MANY * THREE);
  REQUIRE(count_boundaries() == MANY * THREE);
  call_many();
  for (unsigned i = 0; i < MANY; i++)
    REQUIRE(sighook_remove(hooks[i]) == SIGHOOK_OK);
  call_many();
  REQUIRE(memcmp(pristine, many, sizeof pristine) == 0);
}

static void many_come_and_go_in_one_batch(void **state)
{
  (void)state;
  assert_true(in_child(remove_many_at_once));
  assert_true(in_child(install_many_at_once));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_may_be_reached_otherwise_stays),
      cmocka_unit_test(only_what_every_processor_has_is_taken_for_illegal),
      cmocka_unit_test(flags_forbid_it),
      cmocka_unit_test(patches_over_boundaries_are_refused_and_nothing_is_there_to_unhook),
      cmocka_unit_test(many_come_and_go_in_one_batch),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
