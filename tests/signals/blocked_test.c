/* The calling thread blocks SIGTRAP, one may be pending: branches come, are hit, and go; traps are refused, and nothing
 * has changed. */
#define _GNU_SOURCE
#include "branches.h"
#include "child.h"
#include "live.h"
#include "patterns.h"
#include "refused.h"

enum {
  ARGUMENT = 5,
  BYTES = 16,
  ROUNDS = 20
};

static void come_hit_and_go(const struct branch *branch)
{
  sighook_spec spec = probe(branch->function, count, SIGHOOK_REQUIRE_BRANCH);
  sighook_info info = {.size = sizeof info};
  sighook_hook hook;

  spec.address = branch->site;
  REQUIRE(sighook_check(&spec, &info) == SIGHOOK_OK && info.entry == branch->entry);
  REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK && info.entry == branch->entry);
  hits = 0;
  REQUIRE(branch->function(ARGUMENT) == branch->result && hits == 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  REQUIRE(branch->function(ARGUMENT) == branch->result && hits == 1);
}

/* What pends, for the thread and for the process, is still there afterwards, and nothing else. */
static void beside_a_pending_one(void)
{
  struct branch branches[BRANCHES_MAX];
  unsigned number = branches_of_each_kind(branches, ARGUMENT);
  const struct timespec at_once = {0};
  siginfo_t info;
  sigset_t set;

  sigemptyset(&set);
  sigaddset(&set, SIGTRAP);
  mask_signal(SIG_BLOCK, SIGTRAP);
  REQUIRE(raise(SIGTRAP) == 0 && kill(getpid(), SIGTRAP) == 0);
  for (unsigned round = 0; round < ROUNDS; round++)
    for (unsigned i = 0; i < number; i++)
      come_hit_and_go(&branches[i]);
  for (unsigned pending = 0; pending < 2; pending++)
    REQUIRE(sigtimedwait(&set, &info, &at_once) == SIGTRAP && info.si_code <= 0 && info.si_pid == getpid());
  REQUIRE(sigtimedwait(&set, &info, &at_once) == -1);
}

static void branches_take_no_notice_of_a_pending_signal(void **state)
{
  (void)state;
  assert_true(in_child(beside_a_pending_one));
}

static void traps_are_refused_by_name(void **state)
{
  sighook_spec spec = probe(adds_1234, count, SIGHOOK_FORCE_TRAP);
  sighook_info info = {.size = sizeof info};
  uint8_t before[BYTES];
  sighook_hook hook;

  (void)state;
  memcpy(before, (const void *)(uintptr_t)adds_1234, sizeof before);
  for (unsigned round = 0; round < 2; round++) { /* the second, when the library's handler is there */
    mask_signal(SIG_BLOCK, SIGTRAP);
    require_refused(sighook_check(&spec, &info), thread_id(), "SIGTRAP");
    require_refused(sighook_install(&spec, &hook), thread_id(), "SIGTRAP");
    assert_memory_equal(before, (const void *)(uintptr_t)adds_1234, sizeof before);
    mask_signal(SIG_UNBLOCK, SIGTRAP);
    assert_int_equal(sighook_check(&spec, &info), SIGHOOK_OK);
    hook = installed(spec);
    hits = 0;
    assert_int_equal(adds_1234(1), 1235);
    assert_int_equal(hits, 1);
    mask_signal(SIG_BLOCK, SIGTRAP);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK); /* one store */
    mask_signal(SIG_UNBLOCK, SIGTRAP);
  }
}

static void one_trap_refuses_its_batch(void **state)
{
  sighook_spec branch = probe(tests_and_branches, count, 0), trap = probe(adds_1234, count, SIGHOOK_FORCE_TRAP);
  sighook_batch *batch;
  size_t failed_at = 7;
  uint8_t before[BYTES];

  (void)state;
  memcpy(before, (const void *)(uintptr_t)tests_and_branches, sizeof before);
  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &branch, NULL), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &trap, NULL), SIGHOOK_OK);
  mask_signal(SIG_BLOCK, SIGTRAP);
  require_refused(sighook_batch_commit(batch, &failed_at), thread_id(), "SIGTRAP");
  mask_signal(SIG_UNBLOCK, SIGTRAP);
  assert_int_equal(failed_at, 1);
  assert_memory_equal(before, (const void *)(uintptr_t)tests_and_branches, sizeof before);
  hits = 0;
  assert_int_equal(tests_and_branches(1) + adds_1234(1), 2 + 1235);
  assert_int_equal(hits, 0);
  sighook_batch_destroy(batch);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(branches_take_no_notice_of_a_pending_signal),
      cmocka_unit_test(traps_are_refused_by_name),
      cmocka_unit_test(one_trap_refuses_its_batch),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
