/* Another hooking library at the same function: before us and after us, by a near branch, by an absolute one, and by a breakpoint
 * with a handler; one that calls the function as it found it, by a copy of what it displaced. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <signal.h>
#include "child.h"
#include "page.h"

/* ---- the other library ---- */

enum form { NEAR, FAR, BREAKPOINT, FORMS };

static enum form form;
static uint8_t *function, *veneer, *trampoline;
static uint8_t saved[CODE_LENGTH];
static bool calls_on;                 /* by the trampoline; else it answers by itself */
static unsigned long their_hits;

static long theirs(long value)
{
  their_hits++;
  return calls_on ? ((long (*)(long))(uintptr_t)trampoline)(value) : value + 1000;
}

static void on_breakpoint(int number, siginfo_t *info, void *frame)
{
  (void)number;
  (void)info;
  REQUIRE(code_stopped_at(frame) == (uintptr_t)function);
  code_go_on_at(frame, (uintptr_t)theirs);
}

static void take_breakpoints(void)
{
  struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_breakpoint};

  REQUIRE(sigaction(SIGTRAP, &action, NULL) == 0);
}

static unsigned length_of(enum form which)
{
  return which == NEAR ? NEAR_LENGTH : which == FAR ? FAR_LENGTH : BREAKPOINT_LENGTH;
}

static void set_theirs(void)
{
  uint8_t bytes[CODE_LENGTH];

  memcpy(saved, function, CODE_LENGTH);
  if (form == NEAR)
    code_near(bytes, (uintptr_t)function, (uintptr_t)veneer);
  else if (form == FAR)
    code_far(bytes, (uintptr_t)theirs);
  else
    code_breakpoint(bytes);
  page_write(function, bytes, length_of(form));
}

static void restore_theirs(void)
{
  page_write(function, saved, length_of(form));
}

/* The first instructions, and the way back. */
static void copy_instructions(void)
{
  unsigned displaced = form == NEAR ? NEAR_DISPLACED : form == FAR ? FAR_DISPLACED : BREAKPOINT_DISPLACED;
  uint8_t back[CODE_LENGTH];

  page_write(trampoline, function, displaced);
  page_write(trampoline + displaced, back, code_near(back, (uintptr_t)trampoline + displaced, (uintptr_t)function + displaced));
}

/* Our branch, which leads where it led. */
static void copy_our_branch(void)
{
  uint8_t bytes[CODE_LENGTH];

  page_write(trampoline, bytes, code_near(bytes, (uintptr_t)trampoline, code_target(function)));
}

static void their_function(const uint8_t *code)
{
  enum { VENEER = 256, TRAMPOLINE = 512 };
  uint8_t bytes[CODE_LENGTH];

  function = page_make(1);
  veneer = function + VENEER;
  trampoline = function + TRAMPOLINE;
  page_write(function, code, CODE_LENGTH);
  page_write(veneer, bytes, code_far(bytes, (uintptr_t)theirs));
  their_hits = 0;
}

static void both(unsigned long their, unsigned long our)
{
  unsigned long before = their_hits;

  page_require(function, FIRST, our);
  REQUIRE(their_hits - before == their);
}

/* ---- rows ---- */

static uint32_t flags;

static void they_come_first(void)
{
  uint8_t with_theirs[CODE_LENGTH];
  sighook_hook hook;

  their_function(long_first);
  take_breakpoints();
  copy_instructions();
  calls_on = true;
  set_theirs();
  both(1, 0);
  memcpy(with_theirs, function, CODE_LENGTH);
  REQUIRE(page_install(function, flags, &hook) == SIGHOOK_OK);
  both(1, 1);
  REQUIRE(sighook_disable(hook) == SIGHOOK_OK);
  both(1, 0);
  REQUIRE(sighook_enable(hook) == SIGHOOK_OK);
  both(1, 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(function, with_theirs, CODE_LENGTH) == 0);
  both(1, 0);
  REQUIRE(page_install(function, flags, &hook) == SIGHOOK_OK);
  both(1, 1);
  restore_theirs();                    /* and with it, what we wrote over theirs */
  both(0, 0);
  REQUIRE(page_entry(hook) == SIGHOOK_ENTRY_NONE);
  page_refuses_removal(function, hook);
  both(0, 0);
}

/* What they took away comes back, as when they are loaded again. */
static void they_go_and_come_again(void)
{
  sighook_hook hook;

  their_function(long_first);
  take_breakpoints();
  copy_instructions();
  calls_on = true;
  set_theirs();
  REQUIRE(page_install(function, flags, &hook) == SIGHOOK_OK);
  restore_theirs();
  both(0, 0);
  set_theirs();
  both(1, page_entry(hook) != SIGHOOK_ENTRY_NONE);      /* both may be the same breakpoint */
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);          /* what we found stands there: nothing is to be written */
  both(1, 0);
  restore_theirs();
  REQUIRE(memcmp(function, long_first, CODE_LENGTH) == 0);
}

static void come_after_us(const uint8_t *code)
{
  sighook_hook hook;
  bool is_branch;

  their_function(code);
  REQUIRE(page_install(function, flags, &hook) == SIGHOOK_OK);
  take_breakpoints();                  /* theirs knows nothing of ours: a trap of ours is not met while it stands */
  is_branch = page_entry(hook) == SIGHOOK_ENTRY_BRANCH;
  calls_on = is_branch && form != FAR; /* that is longer than what we displaced: our way back leads into it */
  if (calls_on)
    copy_our_branch();
  set_theirs();
  both(1, calls_on);
  if (memcmp(function, saved, CODE_LENGTH) == 0)        /* the same breakpoint, which nobody can tell from ours */
    return;
  if (calls_on) {
    REQUIRE(sighook_disable(hook) == SIGHOOK_OK);
    both(1, 0);
    REQUIRE(sighook_enable(hook) == SIGHOOK_OK);
  }
  page_refuses_removal(function, hook);
  both(1, calls_on);
  restore_theirs();
  if (is_branch)
    both(0, 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(function, code, CODE_LENGTH) == 0);
  both(0, 0);
}

static void they_come_after_us(void)
{
  come_after_us(long_first);
}

static void they_come_after_us_where_little_is_displaced(void)
{
  come_after_us(short_first);
}

static void in_each_form(void (*work)(void))
{
  static const uint32_t kinds[] = {0, SIGHOOK_FORCE_TRAP};

  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (form = NEAR; form < FORMS; form++) {
      flags = kinds[i];
      if (!in_child(work))
        fail_msg("form %d, flags %#x", form, flags);
    }
}

static void hooks_stand_on_those_of_others(void **state)
{
  (void)state;
  in_each_form(they_come_first);
}

static void what_others_put_back_is_taken_for_what_was_found(void **state)
{
  (void)state;
  in_each_form(they_go_and_come_again);
}

static void hooks_stand_below_those_of_others_and_are_not_removed_until_those_go(void **state)
{
  (void)state;
  in_each_form(they_come_after_us);
  in_each_form(they_come_after_us_where_little_is_displaced);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hooks_stand_on_those_of_others),
      cmocka_unit_test(what_others_put_back_is_taken_for_what_was_found),
      cmocka_unit_test(hooks_stand_below_those_of_others_and_are_not_removed_until_those_go),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
