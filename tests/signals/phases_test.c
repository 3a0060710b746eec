/* Changes that take phases, and boundaries inside jumps, where the calling thread blocks what their traps raise:
 * refused when they come and when they go, and nothing has changed. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "kinds.h"
#include "refused.h"

enum {
  ARGUMENT = 5,
  ADDED = 0x11223344,
  BYTES = 32
};

long crosses(long);
extern const uint8_t crosses_site[];
__asm__(".text\n\t.p2align 6\n\t.skip 61, 0x90\n\t.globl crosses, crosses_site\n"
        "\t.type crosses, @function\ncrosses:\n\t.cfi_startproc\ncrosses_site: lea 0x11223344(%rdi), "
        "%rax\n\tret\n\t.cfi_endproc\n"
        "\t.size crosses, . - crosses\n");

static volatile long hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static sighook_spec spec_at(const uint8_t *site)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = (uintptr_t)site, .handler = count};
}

static void require_call(long hits_expected)
{
  hits = 0;
  REQUIRE(crosses(ARGUMENT) == ARGUMENT + ADDED && hits == hits_expected);
}

static void hook_in_phases(void)
{
  sighook_spec spec = spec_at(crosses_site);
  sighook_info info = {.size = sizeof info};
  uint8_t before[BYTES], during[BYTES];
  sighook_hook hook;

  memcpy(before, crosses_site, sizeof before);
  mask_signal(SIG_BLOCK, SIGTRAP);
  require_refused(sighook_check(&spec, &info), thread_id(), "SIGTRAP");
  require_refused(sighook_install(&spec, &hook), thread_id(), "SIGTRAP");
  REQUIRE(memcmp(before, crosses_site, sizeof before) == 0);
  require_call(0);
  mask_signal(SIG_UNBLOCK, SIGTRAP);
  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  memcpy(during, crosses_site, sizeof during);
  mask_signal(SIG_BLOCK, SIGTRAP);
  require_call(1);
  require_refused(sighook_remove(hook), thread_id(), "SIGTRAP");
  REQUIRE(memcmp(during, crosses_site, sizeof during) == 0);
  require_call(1);
  mask_signal(SIG_UNBLOCK, SIGTRAP);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(before, crosses_site, sizeof before) == 0);
}

static void patch_in_phases(void)
{
  static const uint8_t other[] = {0x48, 0x89, 0xF8, 0x0F, 0x1F, 0x40, 0x00}; /* mov %rdi, %rax; nopl 0(%rax) */
  uintptr_t address = (uintptr_t)crosses_site;
  uint8_t before[BYTES];

  memcpy(before, crosses_site, sizeof before);
  mask_signal(SIG_BLOCK, SIGTRAP);
  require_refused(sighook_patch_bytes(address, other, sizeof other, NULL), thread_id(), "SIGTRAP");
  REQUIRE(memcmp(before, crosses_site, sizeof before) == 0);
  mask_signal(SIG_UNBLOCK, SIGTRAP);
  REQUIRE(sighook_patch_bytes(address, other, sizeof other, NULL) == SIGHOOK_OK);
  mask_signal(SIG_BLOCK, SIGTRAP);
  REQUIRE(crosses(ARGUMENT) == ARGUMENT);
  require_refused(sighook_unhook(address), thread_id(), "SIGTRAP");
  REQUIRE(memcmp(other, crosses_site, sizeof other) == 0);
  mask_signal(SIG_UNBLOCK, SIGTRAP);
  REQUIRE(sighook_unhook(address) == SIGHOOK_OK && memcmp(before, crosses_site, sizeof before) == 0);
}

static void changes_in_phases_are_refused(void **state)
{
  (void)state;
  assert_true(in_child(hook_in_phases));
}

static void patches_in_phases_are_refused(void **state)
{
  (void)state;
  assert_true(in_child(patch_in_phases));
}

/* ---- boundaries ---- */

static void reach_over(void)
{
  const int signal_number = kind == REACH_ILLEGAL ? SIGILL : SIGTRAP;
  const char *name = kind == REACH_ILLEGAL ? "SIGILL" : "SIGTRAP";
  const struct reach *reach = &reaches[0];
  sighook_spec spec = spec_at(reach->site);
  sighook_info info = {.size = sizeof info};
  sighook_hook hook;

  REQUIRE(!reach->in_two_lines);
  reach_crowd(kind);
  reach_remember();
  mask_signal(SIG_BLOCK, signal_number);
  require_refused(sighook_check(&spec, &info), thread_id(), name);
  require_refused(sighook_install(&spec, &hook), thread_id(), name);
  reach_require_unchanged(reach);
  mask_signal(SIG_UNBLOCK, signal_number);
  hook = reach_install(reach, kind, &spec);
  mask_signal(SIG_BLOCK, signal_number);
  hits = 0;
  REQUIRE(reach->function(ARGUMENT) == reach_expected(ARGUMENT) && hits == 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK); /* by one store */
  reach_require_unchanged(reach);
}

static void boundaries_are_refused(void **state)
{
  (void)state;
  kinds_run(REACH_BREAKPOINTS, reach_over);
}

static void boundaries_are_refused_where_illegal(void **state)
{
  (void)state;
  kinds_run(REACH_ILLEGAL, reach_over);
}

/* The traps are in what fills room: nobody comes there. */
static void reach_over_filler(void)
{
  unsigned seen = 0;

  reach_crowd(kind);
  mask_signal(SIG_BLOCK, SIGTRAP);
  mask_signal(SIG_BLOCK, SIGILL);
  for (unsigned i = 0; i < reach_count; i++) {
    sighook_spec spec = spec_at(reaches[i].site);
    sighook_info info = {.size = sizeof info};
    sighook_hook hook;

    if (reaches[i].run || reaches[i].in_two_lines)
      continue;
    REQUIRE(sighook_check(&spec, &info) == SIGHOOK_OK);
    hook = reach_install(&reaches[i], kind, &spec);
    hits = 0;
    REQUIRE(reaches[i].function(ARGUMENT) == reach_expected(ARGUMENT) && hits == 1);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    seen++;
  }
  REQUIRE(seen > 0);
}

static void traps_that_nobody_meets_are_not(void **state)
{
  (void)state;
  kinds_run(REACH_BREAKPOINTS, reach_over_filler);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(changes_in_phases_are_refused),   cmocka_unit_test(patches_in_phases_are_refused),
      cmocka_unit_test(boundaries_are_refused),          cmocka_unit_test(boundaries_are_refused_where_illegal),
      cmocka_unit_test(traps_that_nobody_meets_are_not),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
