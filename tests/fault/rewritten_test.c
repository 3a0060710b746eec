/* Code that a compiler rewrites while it is hooked. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "child.h"
#include "page.h"

static const struct form {
  const uint8_t *first, *second;
  uint32_t flags;
  sighook_entry entry;
} forms[] = {
    {long_first, long_second, 0, SIGHOOK_ENTRY_BRANCH},
    {short_first, short_second, 0, SHORT_ENTRY},
    {long_first, long_second, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP},
    {short_first, short_second, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP},
};
enum { FORMS = sizeof forms / sizeof *forms };

static const struct form *form;

static sighook_hook hooked(uint8_t *code)
{
  sighook_hook hook;

  page_write(code, form->first, CODE_LENGTH);
  REQUIRE(page_install(code, form->flags, &hook) == SIGHOOK_OK && page_entry(hook) == form->entry);
  page_require(code, FIRST, 1);
  return hook;
}

static void rewrite(void)
{
  uint8_t *code = page_make(1), ours[CODE_LENGTH];
  sighook_hook hook = hooked(code);

  memcpy(ours, code, CODE_LENGTH);
  page_write(code, form->second, CODE_LENGTH);
  page_require(code, SECOND, 0);
  REQUIRE(page_entry(hook) == SIGHOOK_ENTRY_NONE);
  page_refuses_removal(code, hook);
  page_require(code, SECOND, 0);
  page_write(code, ours, CODE_LENGTH);
  page_require(code, FIRST, 1);
  REQUIRE(page_entry(hook) == form->entry);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(code, form->first, CODE_LENGTH) == 0);
  page_require(code, FIRST, 0);
}

/* What stood there before comes back by itself: nothing is left to be removed, and a hook is had anew. */
static void rewrite_as_it_was(void)
{
  uint8_t *code = page_make(1);
  sighook_hook hook = hooked(code);

  page_write(code, form->first, CODE_LENGTH);
  page_require(code, FIRST, 0);
  REQUIRE(page_entry(hook) == SIGHOOK_ENTRY_NONE);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(code, form->first, CODE_LENGTH) == 0);
  REQUIRE(page_install(code, form->flags, &hook) == SIGHOOK_OK && page_entry(hook) == form->entry);
  page_require(code, FIRST, 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(code, form->first, CODE_LENGTH) == 0);
}

/* Other code comes when the hook is gone: the stub of then is not used for it. */
static void rewrite_between_hooks(void)
{
  uint8_t *code = page_make(1);
  sighook_hook hook = hooked(code);

  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  page_write(code, form->second, CODE_LENGTH);
  REQUIRE(page_install(code, form->flags, &hook) == SIGHOOK_OK);
  page_require(code, SECOND, 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(code, form->second, CODE_LENGTH) == 0);
  page_require(code, SECOND, 0);
}

/* Who writes code where it cannot be executed meanwhile. */
static void toggle(void)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *code = page_make(1);
  sighook_hook hook;

  page_write(code, form->first, CODE_LENGTH);
  REQUIRE(mprotect(code, page, PROT_READ | PROT_EXEC) == 0);
  REQUIRE(page_install(code, form->flags, &hook) == SIGHOOK_OK);
  REQUIRE(mprotect(code, page, PROT_READ | PROT_WRITE) == 0);
  code[page / 2] = 1;                  /* elsewhere */
  REQUIRE(mprotect(code, page, PROT_READ | PROT_EXEC) == 0);
  page_require(code, FIRST, 1);
  REQUIRE(mprotect(code, page, PROT_READ | PROT_WRITE) == 0);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(code, form->first, CODE_LENGTH) == 0);
  code[page / 2] = 2;                  /* may still be written to */
  REQUIRE(page_install(code, form->flags, &hook) == SIGHOOK_BAD_ADDRESS);
  page_write(code, form->second, CODE_LENGTH);
  REQUIRE(mprotect(code, page, PROT_READ | PROT_EXEC) == 0);
  REQUIRE(page_install(code, form->flags, &hook) == SIGHOOK_OK);
  page_require(code, SECOND, 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(code, form->second, CODE_LENGTH) == 0);
}

static void patch(void)
{
  uint8_t *code = page_make(1);

  page_write(code, form->first, CODE_LENGTH);
  REQUIRE(sighook_patch_bytes((uintptr_t)code, form->second, CODE_LENGTH, NULL) == SIGHOOK_OK);
  page_require(code, SECOND, 0);
  page_write(code, form->first, CODE_LENGTH);
  REQUIRE(sighook_unhook((uintptr_t)code) == SIGHOOK_OK && memcmp(code, form->first, CODE_LENGTH) == 0);
  REQUIRE(sighook_unhook((uintptr_t)code) == SIGHOOK_NOT_FOUND);
  REQUIRE(sighook_patch_bytes((uintptr_t)code, form->second, CODE_LENGTH, NULL) == SIGHOOK_OK);
  code[0] ^= 1;
  REQUIRE(sighook_unhook((uintptr_t)code) == SIGHOOK_CONFLICT);
  code[0] ^= 1;
  REQUIRE(memcmp(code, form->second, CODE_LENGTH) == 0);
  REQUIRE(sighook_unhook((uintptr_t)code) == SIGHOOK_OK && memcmp(code, form->first, CODE_LENGTH) == 0);
}

static void in_each_form(void (*work)(void))
{
  for (form = forms; form < forms + FORMS; form++)
    if (!in_child(work))
      fail_msg("form %d", (int)(form - forms));
}

static void what_a_compiler_wrote_over_a_hook_is_left_alone(void **state)
{
  (void)state;
  in_each_form(rewrite);
}

static void code_that_was_written_anew_as_it_was_has_nothing_left_to_remove(void **state)
{
  (void)state;
  in_each_form(rewrite_as_it_was);
}

static void a_stub_is_not_used_for_other_code(void **state)
{
  (void)state;
  in_each_form(rewrite_between_hooks);
}

static void hooks_go_where_code_cannot_be_executed_at_the_moment(void **state)
{
  (void)state;
  in_each_form(toggle);
}

static void patches_are_not_undone_where_others_wrote(void **state)
{
  (void)state;
  in_each_form(patch);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_compiler_wrote_over_a_hook_is_left_alone),
      cmocka_unit_test(code_that_was_written_anew_as_it_was_has_nothing_left_to_remove),
      cmocka_unit_test(a_stub_is_not_used_for_other_code),
      cmocka_unit_test(hooks_go_where_code_cannot_be_executed_at_the_moment),
      cmocka_unit_test(patches_are_not_undone_where_others_wrote),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
