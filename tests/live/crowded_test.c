/* Little memory is free in a branch's reach: a branch is had with room for a page of stubs and one of sites, not with less. */
#define _GNU_SOURCE
#include "live.h"

#include <unistd.h>
#include "crowd.h"
#include "patterns.h"

enum { MANY_NOPS = 400 };
long many_nops(long);
__asm__("        .text\n"
        "        .p2align 4\n"
        "        .globl many_nops\n"
        "        .type many_nops, %function\n"
        "many_nops:\n"
        "        .rept 400\n"
        "        " NOP_INSTRUCTION "\n"
        "        .endr\n"
        "        " RETURN_ARGUMENT "\n"
        "        .size many_nops, . - many_nops\n");

static sighook_spec required(long (*function)(long))
{
  return probe(function, count, SIGHOOK_REQUIRE_BRANCH);
}

static void expect_no_branch(void)
{
  sighook_spec spec = required(adds_1234);
  sighook_info info = {.size = sizeof info};
  sighook_error error = {.size = sizeof error};
  sighook_hook hook;

  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_NO_NEAR_MEMORY);
  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  assert_int_equal(error.address, (uintptr_t)adds_1234);
  if (FAR_STUBS)
    assert_int_equal(sighook_check(&spec, &info), SIGHOOK_NO_NEAR_MEMORY);
  assert_int_equal(adds_1234(5), 1239);
}

static void no_branch_is_had_where_nothing_is_free(void **state)
{
  (void)state;
  expect_no_branch();
}

static void no_branch_is_had_with_one_page(void **state)
{
  (void)state;
  crowd_leave(1);
  expect_no_branch();
}

static void a_branch_is_had_with_two_pages(void **state)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uintptr_t hole = crowd_leave(2);
  sighook_spec spec = required(adds_1234);
  sighook_info info = {.size = sizeof info};
  sighook_hook hook;

  (void)state;
  assert_int_equal(sighook_check(&spec, &info), SIGHOOK_OK);
  assert_int_equal(info.entry, SIGHOOK_ENTRY_BRANCH);
  hook = installed(spec);
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.entry, SIGHOOK_ENTRY_BRANCH);
  assert_true(branch_target((uintptr_t)adds_1234) >= hole && branch_target((uintptr_t)adds_1234) < hole + page);
  hits = 0;
  assert_int_equal(adds_1234(5), 1239);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

/* Sites that one page holds, at least and at most. */
static void two_pages_hold_some_sites_and_not_more(void **state)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE), most = page / 48, made = 0;
  sighook_hook hooks[MANY_NOPS];

  (void)state;
  assert_true(most < MANY_NOPS);
  while (made < MANY_NOPS) {
    sighook_spec spec = required(many_nops);

    spec.address += made * NOP_LENGTH;
    if (sighook_install(&spec, &hooks[made]) != SIGHOOK_OK)
      break;
    made++;
  }
  assert_in_range(made, page / 128, most);
  hits = 0;
  assert_int_equal(many_nops(7), 7);
  assert_int_equal(hits, made);
  while (made--)
    assert_int_equal(sighook_remove(hooks[made]), SIGHOOK_OK);
}

static int crowd_first(void **state)
{
  (void)state;
  crowd();
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_branch_is_had_where_nothing_is_free),
      cmocka_unit_test(no_branch_is_had_with_one_page),
      cmocka_unit_test(a_branch_is_had_with_two_pages),
      cmocka_unit_test(two_pages_hold_some_sites_and_not_more),
  };

  return cmocka_run_group_tests(tests, crowd_first, NULL);
}
