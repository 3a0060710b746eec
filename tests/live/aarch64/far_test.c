/* Stubs out of a branch's reach: what sites there are told to be, who comes and goes while they are hit, and where a pc in such a
 * stub stands. That they compute what they should is for the other tests, which are linked with far.c once more. */
#define _GNU_SOURCE
#include <string.h>
#include "live.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "crowd.h"
#include "patterns.h"

enum { WORD = 4, THREADS = 3, ROUNDS = 60 };

/* 1 where its argument is zero, else 2; by a branch at its entry. */
long begins_with_a_branch(long);
__asm__("        .text\n"
        "        .p2align 4\n"
        "        .globl begins_with_a_branch\n"
        "        .type begins_with_a_branch, %function\n"
        "begins_with_a_branch:\n"
        "        cbz     x0, 1f\n"
        "        mov     x0, #2\n"
        "        ret\n"
        "1:      mov     x0, #1\n"
        "        ret\n"
        "        .size begins_with_a_branch, . - begins_with_a_branch\n");
enum { TAKEN_OFFSET = 12 };

static void expect_far(const sighook_info *info)
{
  assert_int_equal(info->entry, SIGHOOK_ENTRY_TRAP);
  assert_non_null(strstr(info->reason, "no memory is free within a branch's reach"));
}

static void a_far_site_says_so_before_and_after(void **state)
{
  sighook_spec spec = probe(adds_1234, count, 0), forced = probe(adds_1234, count, SIGHOOK_FORCE_TRAP);
  sighook_spec required = probe(adds_1234, count, SIGHOOK_REQUIRE_BRANCH);
  sighook_info info = {.size = sizeof info};
  sighook_hook hook, other;

  (void)state;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(sighook_check(&spec, &info), SIGHOOK_OK);
    expect_far(&info);
    hook = installed(spec);
    assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
    expect_far(&info);
    assert_int_equal(sighook_check(&required, &info), SIGHOOK_NO_NEAR_MEMORY);
    assert_int_equal(sighook_install(&required, &other), SIGHOOK_NO_NEAR_MEMORY);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    assert_int_equal(sighook_check(&required, &info), SIGHOOK_NO_NEAR_MEMORY);
    assert_int_equal(sighook_install(&required, &other), SIGHOOK_NO_NEAR_MEMORY);
  }
  assert_int_equal(sighook_check(&forced, &info), SIGHOOK_OK);
  assert_non_null(strstr(info.reason, "was asked for"));
}

static long replaced(long value)
{
  return value + 1000;
}

static void a_pc_in_a_far_stub_stands_for_the_site_the_next_or_the_target(void **state)
{
  uintptr_t site = (uintptr_t)begins_with_a_branch;
  long (*original)(long) = NULL;
  uintptr_t displaced;

  (void)state;
  assert_int_equal(sighook_inline_hook(site, (const void *)replaced, (void **)&original, NULL), SIGHOOK_OK);
  displaced = (uintptr_t)original;
  assert_true(displaced - site + BRANCH_REACH > 2 * BRANCH_REACH);
  assert_int_equal(begins_with_a_branch(0), 1000);
  assert_int_equal(original(0), 1);
  assert_int_equal(original(5), 2);
  assert_int_equal(sighook_original_pc(displaced), site);
  assert_int_equal(sighook_original_pc(displaced + WORD), site + WORD);
  assert_int_equal(sighook_original_pc(displaced + 2 * WORD), site + TAKEN_OFFSET);
  assert_int_equal(sighook_unhook(site), SIGHOOK_OK);
  assert_int_equal(begins_with_a_branch(0), 1);
  assert_int_equal(original(5), 2);           /* a stub stays */
}

static void one_batch_has_near_and_far_sites(void **state)
{
  uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long (*elsewhere)(long) = (long (*)(long))(uintptr_t)page;
  sighook_spec specs[2];
  sighook_hook hooks[2];
  sighook_info near = {.size = sizeof near}, far = {.size = sizeof far};
  sighook_batch *batch;

  (void)state;
  memcpy(page, adds_7, sizeof adds_7);
  mprotect(page, 4096, PROT_READ | PROT_EXEC);
  specs[0] = probe(elsewhere, count, 0);
  specs[1] = probe(adds_1234, count, 0);
  for (int round = 0; round < 3; round++) {
    assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
    for (int i = 0; i < 2; i++)
      assert_int_equal(sighook_batch_install(batch, &specs[i], &hooks[i]), SIGHOOK_OK);
    assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
    sighook_batch_destroy(batch);
    assert_int_equal(sighook_query(hooks[0], &near), SIGHOOK_OK);
    assert_int_equal(near.entry, SIGHOOK_ENTRY_BRANCH);
    assert_int_equal(sighook_query(hooks[1], &far), SIGHOOK_OK);
    expect_far(&far);
    hits = 0;
    assert_int_equal(elsewhere(1) + adds_1234(1), 8 + 1235);
    assert_int_equal(hits, 2);
    assert_int_equal(sighook_remove(hooks[0]), SIGHOOK_OK);
    assert_int_equal(sighook_remove(hooks[1]), SIGHOOK_OK);
  }
  munmap(page, 4096);
}

static volatile int stop, wrong;
static volatile long calls[THREADS];

static void *hit(void *number)
{
  while (!stop) {
    long argument = calls[(intptr_t)number]++ & 1;
    long branched = begins_with_a_branch(argument), added = adds_1234(argument), mixed = simple(argument);

    wrong |= branched != (argument ? 2 : 1) || (added != argument + 1234 && added != argument + 1000) ||
             mixed != simple_computes(argument);
  }
  return NULL;
}

static void pass_by(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

static void threads_hit_far_sites_that_come_and_go(void **state)
{
  pthread_t threads[THREADS];
  long (*original)(long);

  (void)state;
  for (intptr_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hit, (void *)i), 0);
  for (int round = 0; round < ROUNDS; round++) {
    sighook_hook branch = installed(probe(begins_with_a_branch, pass_by, round & 1 ? SIGHOOK_COUNT : 0));
    sighook_hook counting = installed(probe(simple, NULL, SIGHOOK_COUNT));
    sighook_info info = {.size = sizeof info};
    long before[THREADS];

    assert_int_equal(sighook_inline_hook((uintptr_t)adds_1234, (const void *)replaced, (void **)&original, NULL), SIGHOOK_OK);
    assert_int_equal(original(1), 1235);
    for (int i = 0; i < THREADS; i++)
      before[i] = calls[i];
    for (int i = 0; i < THREADS; i++)
      while (calls[i] < before[i] + 3)
        sched_yield();
    assert_int_equal(sighook_query(counting, &info), SIGHOOK_OK);
    assert_true(info.hits >= THREADS);
    assert_int_equal(sighook_remove(branch), SIGHOOK_OK);
    assert_int_equal(sighook_remove(counting), SIGHOOK_OK);
    assert_int_equal(sighook_unhook((uintptr_t)adds_1234), SIGHOOK_OK);
    assert_false(wrong);
  }
  stop = 1;
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_false(wrong);
}

static void a_forked_child_has_far_sites_of_its_own(void **state)
{
  sighook_hook hook = installed(probe(adds_1234, count, 0));
  int status;
  pid_t child = fork();

  (void)state;
  if (child == 0) {
    hits = 0;
    if (adds_1234(5) != 1239 || hits != 1 || sighook_remove(hook) != SIGHOOK_OK || adds_1234(5) != 1239 || hits != 1)
      _exit(1);
    hook = installed(probe(begins_with_a_branch, count, 0));
    _exit(begins_with_a_branch(0) == 1 && hits == 2 ? 0 : 2);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  hits = 0;
  assert_int_equal(adds_1234(5), 1239);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

/* Last: from here on there is near memory. */
static void a_far_site_gets_a_branch_once_memory_is_free(void **state)
{
  sighook_hook hook = installed(probe(adds_1234, count, 0));
  sighook_info info = {.size = sizeof info};

  (void)state;
  crowd_leave(2);
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  expect_far(&info);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  hook = installed(probe(adds_1234, count, 0));
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.entry, SIGHOOK_ENTRY_BRANCH);
  assert_string_equal(info.reason, "");
  hits = 0;
  assert_int_equal(adds_1234(5), 1239);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_far_site_says_so_before_and_after),
      cmocka_unit_test(a_pc_in_a_far_stub_stands_for_the_site_the_next_or_the_target),
      cmocka_unit_test(one_batch_has_near_and_far_sites),
      cmocka_unit_test(threads_hit_far_sites_that_come_and_go),
      cmocka_unit_test(a_forked_child_has_far_sites_of_its_own),
      cmocka_unit_test(a_far_site_gets_a_branch_once_memory_is_free),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
