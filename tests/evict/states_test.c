/* An entry that leans on instructions behind it leads to its stub in each state that those pass through, byte by byte, while
 * patches and hooks come and go there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "hooks.h"
#include "looks.h"

enum { ARGUMENT = 5, REPLACED = 1000, BYTES = 24, SITE_LENGTH = 1, PATCH_MAX = 10 };

/* What is behind a short instruction, in two lines from one of its bytes on; at the start of a line; in the midst of one. */
#define FUNCTION(name, skip)                                                                                         \
  "\t.p2align 6, 0x90\n\t.skip 64 + " #skip ", 0x90\n\t.globl " #name "\n\t.type " #name ", @function\n"          \
  #name ":\n\t.cfi_startproc\n\tcld\n\tclc\n\tmov %rdi, %rcx\n\tlea 7(%rdi, %rdi), %rax\n\tret\n"          \
  "\t.cfi_endproc\n\t.size " #name ", . - " #name "\n"
long leans_0(long), leans_59(long), leans_60(long), leans_61(long), leans_62(long), leans_63(long);
__asm__(".text\n" FUNCTION(leans_0, 0) FUNCTION(leans_59, 59) FUNCTION(leans_60, 60) FUNCTION(leans_61, 61) FUNCTION(leans_62, 62)
            FUNCTION(leans_63, 63));
static long (*const functions[])(long) = {leans_0, leans_59, leans_60, leans_61, leans_62, leans_63};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* In place of clc, mov and lea, or the first of them: the same at other places too, and results that are the same. */
static const struct patch {
  size_t length;
  uint8_t bytes[PATCH_MAX];
} patches[] = {
    {1, {0xF9}},                                                      /* stc */
    {4, {0xF5, 0x48, 0x89, 0xFA}},                                    /* cmc; mov %rdi, %rdx */
    {4, {0x48, 0x89, 0xFA, 0xF5}},                                    /* mov %rdi, %rdx; cmc */
    {9, {0x48, 0x8D, 0x44, 0x3F, 0x07, 0x48, 0x89, 0xF9, 0xF8}},      /* lea, mov, clc */
};
enum { PATCHES = sizeof patches / sizeof *patches };

static long (*changing)(long);
static bool hooked;
static unsigned long looks;

/* What replaces the function while its entry is hooked: so nobody comes by what is behind, where a patch would keep him
 * waiting. */
static long replacement(long n)
{
  return n + REPLACED;
}

static void look(void)
{
  long result = changing(ARGUMENT);

  looks++;
  REQUIRE(result == ARGUMENT + REPLACED || (!hooked && result == 2 * ARGUMENT + 7));
}

static void replace(uintptr_t site)
{
  REQUIRE(sighook_inline_hook(site, (const void *)(uintptr_t)replacement, NULL, NULL) == SIGHOOK_OK);
  hooked = true;
}

static void give_back(uintptr_t site)
{
  hooked = false;
  REQUIRE(sighook_unhook(site) == SIGHOOK_OK);
}

static void patch_behind(uintptr_t site, const struct patch *patch)
{
  replace(site);
  REQUIRE(sighook_patch_bytes(site + SITE_LENGTH, patch->bytes, patch->length, NULL) == SIGHOOK_OK);
  REQUIRE(sighook_unhook(site + SITE_LENGTH) == SIGHOOK_OK);
  give_back(site);
}

static void hook_behind(uintptr_t site, size_t offset)
{
  sighook_spec spec = spec_of(site + offset, 0);
  sighook_hook behind;

  replace(site);
  for (unsigned round = 0; round < 2; round++) {
    REQUIRE(sighook_install(&spec, &behind) == SIGHOOK_OK);
    if (round)
      give_back(site);
    REQUIRE(sighook_remove(behind) == SIGHOOK_OK);
  }
}

static void change_behind_all(uintptr_t refused_to)
{
  changing = functions[0];
  looks_begin(look, 0, refused_to);
  for (unsigned i = 0; i < FUNCTIONS; i++) {
    uintptr_t site = (uintptr_t)functions[i];
    uint8_t before[BYTES];

    changing = functions[i];
    memcpy(before, (const void *)site, BYTES);
    for (unsigned j = 0; j < PATCHES; j++)
      patch_behind(site, &patches[j]);
    for (size_t offset = SITE_LENGTH; offset <= SITE_LENGTH + 4; offset += offset == SITE_LENGTH ? 1 : 3)
      hook_behind(site, offset);
    REQUIRE(memcmp(before, (const void *)site, BYTES) == 0);
  }
  REQUIRE(looks > 0);
}

static void change_as_can_be(void)
{
  change_behind_all(0);
}

static void change_in_phases(void)
{
  change_behind_all(UINTPTR_MAX);
}

static void what_entries_lean_on_changes_step_by_step(void **state)
{
  (void)state;
  assert_true(in_child(change_as_can_be));
  assert_true(in_child(change_in_phases));
}

/* ---- the first change of all ---- */

long of_one_store(long);
__asm__(".text\n\t.p2align 6\n\t.globl of_one_store\n\t.type of_one_store, @function\nof_one_store:\n\t.cfi_startproc\n"
        "\tlea 7(%rdi, %rdi), %rax\n\tret\n\t.cfi_endproc\n\t.size of_one_store, . - of_one_store\n");

/* One store was meant, and the system refuses it for these pages, unlike others: the handler of the phases' traps is there. */
static void change_first_in_phases(void)
{
  uintptr_t site = (uintptr_t)of_one_store;
  sighook_spec spec = spec_of(site, SIGHOOK_REQUIRE_BRANCH);
  sighook_hook hook;

  changing = of_one_store;
  looks_begin(look, site, site + 1);
  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  look();
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  REQUIRE(looks > 1);
}

static void where_one_store_is_refused_the_phases_are_handled(void **state)
{
  (void)state;
  assert_true(in_child(change_first_in_phases));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_entries_lean_on_changes_step_by_step),
      cmocka_unit_test(where_one_store_is_refused_the_phases_are_handled),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
