/* Tests of jumps that reach over others: each in a child for each kind of what stands at the boundaries. After cmocka.h. */
#ifndef TESTS_EVICT_KINDS_H
#define TESTS_EVICT_KINDS_H

#include "hooks.h"
#include "reach.h"

static enum reach_kind kind;

static void kinds_run(enum reach_kind which, void (*work)(void))
{
  kind = which;
  if (!reach_is_possible(kind)) {
    print_message("this CPU has no table of bytes that are no instruction\n");
    skip();
  }
  assert_true(in_child(work));
}

#define KINDS_DEFINE(name, work)                 \
  static void name(void **state)                 \
  {                                              \
    (void)state;                                 \
    kinds_run(REACH_BREAKPOINTS, work);          \
  }                                              \
  static void name##_where_illegal(void **state) \
  {                                              \
    (void)state;                                 \
    kinds_run(REACH_ILLEGAL, work);              \
  }
#define KINDS_LIST(name, work) cmocka_unit_test(name), cmocka_unit_test(name##_where_illegal),

#endif
