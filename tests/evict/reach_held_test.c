/* A thread is held at each step of its way through and into functions in which a jump reaches over instructions, and where it has
 * raised a signal at a boundary that is still to be handled, while hooks come and go; then it goes on, to the right result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "holding.h"
#include "isa/x86_64/insn.h"
#include "reach.h"

/* Each of the first steps, then some: by a boundary it is a long way through the handler of the signal. */
enum { STEPS_MAX = 1000, EACH = 14, STRIDE = 7, STRIDE_BY_SIGNAL = 71, STRIDE_LONG = 3,
       SOME = 3 };                    /* of the functions one of so many, where it takes long */

enum command { NOTHING, INSTALL, REMOVE, JOIN, LEAVE, LEAVE_AND_INSTALL, REMOVE_BOTH, REMOVE_AND_JOIN, REMOVE_AND_INSTALL,
               REMOVE_AND_PATCH, UNPATCH };

static enum reach_kind kind;

static const struct reach *reach(void)
{
  return &reaches[shared->target];
}

/* ---- in the child ---- */

static void prepare(void)
{
  reach_crowd(kind);
}

/* By way 0 from the start, by others to a boundary. */
static long call(void)
{
  unsigned way = shared->way;

  return way ? reach_enter(reach()->boundaries[way - 1], HOLDING_ARGUMENT, reach()->words[way])
             : reach()->function(HOLDING_ARGUMENT);
}

static const uint8_t *boundary(void)
{
  return reach()->boundaries[shared->way ? shared->way - 1 : 0];
}

/* With what stands there, so that the result is the same. */
static sighook_status patch_boundary(void)
{
  uint8_t code[X64_INSN_MAX];

  memcpy(code, boundary(), sizeof code);
  return sighook_patch_bytes((uintptr_t)boundary(), code, x64_length(code, sizeof code), NULL);
}

/* The hook that joins is on the boundary of the way, or the first one. */
static sighook_status obey(int command)
{
  static sighook_hook site, joined;
  sighook_status status = SIGHOOK_OK;

  if (command == REMOVE_BOTH)
    return holding_remove_both(site, joined);
  if (command == UNPATCH)
    return sighook_unhook((uintptr_t)boundary());
  if (command == REMOVE || command == REMOVE_AND_JOIN || command == REMOVE_AND_INSTALL || command == REMOVE_AND_PATCH)
    status = sighook_remove(site);
  if (!status && (command == LEAVE || command == LEAVE_AND_INSTALL))
    status = sighook_remove(joined);
  if (!status && (command == JOIN || command == REMOVE_AND_JOIN))
    status = holding_install(boundary(), &joined);
  if (!status && command == REMOVE_AND_PATCH)
    status = patch_boundary();
  if (status || (command != INSTALL && command != REMOVE_AND_INSTALL && command != LEAVE_AND_INSTALL))
    return status;
  status = holding_install(reach()->site, &site);
  return !status && !reach_stands(reach(), kind) ? SIGHOOK_UNSUPPORTED : status;
}

static const struct holding holding = {.prepare = prepare, .obey = obey, .call = call};

/* ---- the tests ---- */

static int start(void **state)
{
  kind = *state ? REACH_ILLEGAL : REACH_BREAKPOINTS;
  if (reach_is_possible(kind))
    holding_start(&holding);
  return 0;
}

static int end(void **state)
{
  (void)state;
  if (reach_is_possible(kind))
    holding_end();
  return 0;
}

/* Skips the test where there is no such kind. */
static void require_kind(void)
{
  if (reach_is_possible(kind))
    return;
  print_message("this CPU has no table of bytes that are no instruction\n");
  skip();
}

static void go_on(const char *what)
{
  holding_finish_right(reach()->name, what, reach_expected(HOLDING_ARGUMENT));
}

static void hold_everywhere(const char *what, enum command before, enum command during, enum command after)
{
  unsigned stride = getenv("SIGHOOK_LONG") ? STRIDE_LONG : shared->way ? STRIDE_BY_SIGNAL : STRIDE;
  bool inside = true;

  for (unsigned steps = 0; inside && steps < STEPS_MAX; steps += steps < EACH ? 1 : stride) {
    if (before)
      holding_command(before);
    inside = holding_call(shared->way ? (uintptr_t)reach_enter : (uintptr_t)reach()->function, steps);
    holding_command(during);
    go_on(what);
    if (after)
      holding_command(after);
  }
  assert_false(inside);
}

static void by_every_way(void (*hold)(void), unsigned each)
{
  require_kind();
  for (shared->target = 0; shared->target < reach_count; shared->target += each)
    for (shared->way = 0; shared->way <= reach()->count; shared->way++)
      hold();
}

static void while_it_comes(void)
{
  hold_everywhere("the installation", NOTHING, INSTALL, REMOVE);
}

static void held_while_the_hook_comes(void **state)
{
  (void)state;
  by_every_way(while_it_comes, 1);
}

static void while_it_goes(void)
{
  hold_everywhere("the removal", INSTALL, REMOVE, NOTHING);
}

static void held_while_the_hook_goes(void **state)
{
  (void)state;
  by_every_way(while_it_goes, 1);
}

static void while_one_joins(void)
{
  hold_everywhere("an installation on a boundary", INSTALL, JOIN, REMOVE_BOTH);
}

static void held_while_a_hook_joins(void **state)
{
  (void)state;
  by_every_way(while_one_joins, getenv("SIGHOOK_LONG") ? 1 : SOME);
}

static void while_the_first_goes(void)
{
  holding_command(INSTALL);
  hold_everywhere("the removal of the site's hook while one on a boundary stays", JOIN, REMOVE, LEAVE_AND_INSTALL);
  holding_command(REMOVE);
}

static void held_while_the_hook_goes_and_another_stays(void **state)
{
  (void)state;
  by_every_way(while_the_first_goes, getenv("SIGHOOK_LONG") ? 1 : SOME);
}

/* ---- late signals ---- */

static void hold_at_signal(const char *what, enum command during, enum command after)
{
  holding_command(INSTALL);
  assert_int_equal(holding_call_to_signal(), shared->way != 0);
  if (!shared->way) {                 /* none on the way through */
    assert_int_equal(shared->result, reach_expected(HOLDING_ARGUMENT));
    holding_command(REMOVE);
    return;
  }
  holding_command(during);
  go_on(what);
  if (after)
    holding_command(after);
}

static void start_afresh(void)
{
  unsigned target = shared->target, way = shared->way;

  holding_end();
  holding_start(&holding);
  shared->target = target;
  shared->way = way;
}

static void late(void)
{
  hold_at_signal("its removal", REMOVE, NOTHING);
  hold_at_signal("its removal and return", REMOVE_AND_INSTALL, REMOVE);
  hold_at_signal("an installation on the boundary", JOIN, REMOVE_BOTH);
  if (!reach()->one_place) {          /* the boundary's other stub would be hooked for the site's sake from then on */
    hold_at_signal("its removal and an installation on the boundary", REMOVE_AND_JOIN, LEAVE);
    start_afresh();                   /* with the boundary's own entry at hand the site may have one that does not reach over */
  }
}

static void late_signals_are_understood(void **state)
{
  (void)state;
  by_every_way(late, 1);
}

static void late_at_a_patch(void)
{
  hold_at_signal("its removal and a patch of the boundary", REMOVE_AND_PATCH, UNPATCH);
  start_afresh();                     /* the boundary would get another stub, for which there is no room */
}

static void late_signals_are_understood_where_a_patch_stands(void **state)
{
  (void)state;
  by_every_way(late_at_a_patch, getenv("SIGHOOK_LONG") ? 1 : SOME);
}

int main(void)
{
  static int illegal;
#define BOTH(test) \
  cmocka_unit_test_setup_teardown(test, start, end), {#test "_where_illegal", test, start, end, &illegal}
  const struct CMUnitTest tests[] = {
      BOTH(held_while_the_hook_comes),
      BOTH(held_while_the_hook_goes),
      BOTH(held_while_a_hook_joins),
      BOTH(held_while_the_hook_goes_and_another_stays),
      BOTH(late_signals_are_understood),
      BOTH(late_signals_are_understood_where_a_patch_stands),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
