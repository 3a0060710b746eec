/* Entries that evict the next instruction: live, in any order, beside threads, and with branches that lead to what was evicted. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "live.h"
#include "windows.h"

#define EVERY(X) X(before_long) X(before_short) X(before_relative) X(before_call) X(before_branch)
#define DECLARE(name) \
  long name(long);    \
  extern const uint8_t name##_site[], name##_next[];
EVERY(DECLARE)
DECLARE(before_head)
DECLARE(roomy)
DECLARE(before_padding)
DECLARE(before_little)
long enter_at(const uint8_t *address, long n);

enum { BYTES = 32 };

struct target {
  const char *name;
  long (*function)(long);
  const uint8_t *site, *next;
};
#define TARGET(name) {#name, name, name##_site, name##_next},
static struct target targets[] = {EVERY(TARGET)};
enum { TARGETS = sizeof targets / sizeof targets[0] };

static long expected(long n)
{
  return 2 * n + 7;
}

static int prepare(void **state)
{
  (void)state;
  for (unsigned i = 0; i < TARGETS; i++)
    take_windows(targets[i].site, (unsigned)(targets[i].next - targets[i].site));
  take_windows(before_head_site, 1);
  take_windows(before_padding_site, 1);
  take_windows(before_little_site, 1);
  return 0;
}

static sighook_spec spec_at(const uint8_t *address, uint32_t flags)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = (uintptr_t)address, .handler = count, .flags = flags};
}

static sighook_hook installed_as(const uint8_t *address, sighook_entry entry)
{
  sighook_info info = {.size = sizeof info};
  sighook_hook hook = installed(spec_at(address, 0));

  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  if (info.entry != entry)
    fail_msg("entry %d, not %d: %s", info.entry, entry, info.reason);
  return hook;
}

static void check_calls(const struct target *target, long hits_each)
{
  for (long n = -3; n < 3; n++) {
    hits = 0;
    assert_int_equal(target->function(n), expected(n));
    assert_int_equal(hits, hits_each);
  }
}

static void each_is_evicted_right_and_given_back(void **state)
{
  (void)state;
  for (unsigned i = 0; i < TARGETS; i++) {
    const struct target *target = &targets[i];
    const uint8_t *from = target->site;
    uint8_t before[BYTES];
    sighook_info info = {.size = sizeof info};
    sighook_spec spec = spec_at(target->site, 0);
    sighook_hook hook;

    memcpy(before, from, BYTES);
    assert_int_equal(sighook_check(&spec, &info), SIGHOOK_OK);
    assert_int_equal(info.entry, SIGHOOK_ENTRY_EVICTED);
    assert_non_null(strstr(info.reason, "in place of the next"));
    assert_memory_equal(before, from, BYTES);
    hook = installed_as(target->site, SIGHOOK_ENTRY_EVICTED);
    check_calls(target, 1);
    hits = 0;
    assert_int_equal(enter_at(target->next, 5), expected(5));
    assert_int_equal(hits, 0);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    assert_memory_equal(before, from, BYTES);
    check_calls(target, 0);
  }
}

/* In what order do hooks on the site and on its victim come and go? Bit 0: the victim's comes first; bit 1: it goes first. */
static void hooks_on_the_evicted_come_and_go_in_any_order(void **state)
{
  (void)state;
  for (unsigned i = 0; i < TARGETS; i++)
    for (unsigned order = 0; order < 2; order++) {
      const struct target *target = &targets[i];
      const uint8_t *from = target->site;
      sighook_info info = {.size = sizeof info};
      sighook_hook site, next;
      uint8_t before[BYTES];

      memcpy(before, from, BYTES);
      site = installed_as(target->site, SIGHOOK_ENTRY_EVICTED);
      next = installed_as(target->next, SIGHOOK_ENTRY_PUNNED);
      check_calls(target, 2);
      hits = 0;
      assert_int_equal(enter_at(target->next, 5), expected(5));
      assert_int_equal(hits, 1);
      assert_int_equal(sighook_remove(order ? site : next), SIGHOOK_OK);
      check_calls(target, 1);
      assert_int_equal(sighook_query(order ? next : site, &info), SIGHOOK_OK);
      assert_int_not_equal(info.entry, SIGHOOK_ENTRY_TRAP);
      assert_int_equal(sighook_remove(order ? next : site), SIGHOOK_OK);
      assert_memory_equal(before, from, BYTES);
      check_calls(target, 0);
    }
}

/* What stands already is not changed for a newcomer's sake: it gets a trap. */
static void a_hook_on_the_next_instruction_stays_as_it_is(void **state)
{
  (void)state;
  for (unsigned i = 0; i < TARGETS; i++) {
    const struct target *target = &targets[i];
    const uint8_t *from = target->site;
    uint8_t before[BYTES];
    sighook_hook next, site;

    memcpy(before, from, BYTES);
    next = installed(spec_at(target->next, 0));
    site = installed(spec_at(target->site, 0));
    check_calls(target, 2);
    assert_int_equal(sighook_remove(next), SIGHOOK_OK);
    check_calls(target, 1);
    assert_int_equal(sighook_remove(site), SIGHOOK_OK);
    assert_memory_equal(before, from, BYTES);
    check_calls(target, 0);
  }
}

static void both_in_one_batch_are_planned_together(void **state)
{
  (void)state;
  for (unsigned i = 0; i < TARGETS; i++)
    for (unsigned swapped = 0; swapped < 2; swapped++) {
      const struct target *target = &targets[i];
      const uint8_t *from = target->site;
      sighook_spec specs[2] = {spec_at(target->site, SIGHOOK_REQUIRE_BRANCH),
                               spec_at(target->next, SIGHOOK_REQUIRE_BRANCH)};
      sighook_batch *batch;
      uint8_t before[BYTES];
      sighook_hook hooks[2];

      memcpy(before, from, BYTES);
      assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
      assert_int_equal(sighook_batch_install(batch, &specs[swapped], &hooks[0]), SIGHOOK_OK);
      assert_int_equal(sighook_batch_install(batch, &specs[!swapped], &hooks[1]), SIGHOOK_OK);
      assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
      sighook_batch_destroy(batch);
      check_calls(target, 2);
      assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
      assert_int_equal(sighook_batch_remove(batch, hooks[0]), SIGHOOK_OK);
      assert_int_equal(sighook_batch_remove(batch, hooks[1]), SIGHOOK_OK);
      assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
      sighook_batch_destroy(batch);
      assert_memory_equal(before, from, BYTES);
      check_calls(target, 0);
    }
}

static void a_loop_head_is_not_evicted(void **state)
{
  sighook_info info = {.size = sizeof info};
  sighook_hook hook = installed_as(before_head_site, SIGHOOK_ENTRY_TRAP);

  (void)state;
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_non_null(strstr(info.reason, "loop's head"));
  hits = 0;
  assert_int_equal(before_head(4), expected(4));
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void padding_behind_a_function_gives_way(void **state)
{
  static const struct target padded[] = {TARGET(before_padding) TARGET(before_little)};

  (void)state;
  for (unsigned i = 0; i < 2; i++)
    for (unsigned again = 0; again < 2; again++) {
      uint8_t before[BYTES];
      sighook_hook hook;

      memcpy(before, padded[i].site, BYTES);
      hook = installed_as(padded[i].site, SIGHOOK_ENTRY_EVICTED);
      check_calls(&padded[i], 1);
      hits = 0;
      assert_int_equal(enter_at(padded[i].next, 5), expected(5));   /* runs on into the next function */
      assert_int_equal(hits, 0);
      assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
      assert_memory_equal(before, padded[i].site, BYTES);
    }
}

static void a_share_of_mappings_that_is_spent_is_told(void **state)
{
  sighook_spec spec = spec_at(roomy_site, SIGHOOK_REQUIRE_BRANCH);
  sighook_info info = {.size = sizeof info};
  sighook_error error = {.size = sizeof error};
  sighook_hook hook;

  (void)state;
  assert_int_equal(sighook_set_mapping_share(101), SIGHOOK_BAD_ARGUMENT);
  assert_int_equal(sighook_set_mapping_share(0), SIGHOOK_OK);
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_NO_NEAR_MEMORY);
  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  assert_non_null(strstr(error.message, "vm.max_map_count"));
  hook = installed_as(roomy_site, SIGHOOK_ENTRY_TRAP);
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_non_null(strstr(info.reason, "vm.max_map_count"));
  hits = 0;
  assert_int_equal(roomy(4), expected(4));
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(sighook_set_mapping_share(60), SIGHOOK_OK);
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static unsigned mappings(void)
{
  FILE *maps = fopen("/proc/self/maps", "r");
  unsigned lines = 0;
  int c;

  assert_non_null(maps);
  while ((c = getc(maps)) != EOF)
    lines += c == '\n';
  fclose(maps);
  return lines;
}

static atomic_bool stop;

static void *call_all(void *wrong)
{
  for (long n = 0; !atomic_load_explicit(&stop, memory_order_relaxed); n = (n + 1) & 1023)
    for (unsigned i = 0; i < TARGETS; i++)
      if (targets[i].function(n) != expected(n) || enter_at(targets[i].next, n) != expected(n))
        atomic_fetch_add((atomic_long *)wrong, 1);
  return NULL;
}

/* Threads all the while inside what changes: sites, victims and both, by single installations. */
static void coming_and_going_beside_threads_harms_none_and_uses_nothing_up(void **state)
{
  enum { THREADS = 3, ROUNDS = 2000, WARM = 50 };
  static atomic_long wrong;
  pthread_t threads[THREADS];
  unsigned before = 0;

  (void)state;
  atomic_store(&stop, false);
  for (unsigned i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, call_all, &wrong), 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    const struct target *target = &targets[round % TARGETS];
    sighook_hook site = installed_as(target->site, SIGHOOK_ENTRY_EVICTED), next = {0};

    if (round & 8)
      next = installed(spec_at(target->next, 0));
    assert_int_equal(sighook_remove(site), SIGHOOK_OK);
    if (round & 8)
      assert_int_equal(sighook_remove(next), SIGHOOK_OK);
    before = round == WARM ? mappings() : before;
  }
  assert_in_range(mappings(), 0, before + 4);
  atomic_store(&stop, true);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&wrong), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_share_of_mappings_that_is_spent_is_told),    /* while no page is there yet */
      cmocka_unit_test(each_is_evicted_right_and_given_back),
      cmocka_unit_test(hooks_on_the_evicted_come_and_go_in_any_order),
      cmocka_unit_test(a_hook_on_the_next_instruction_stays_as_it_is),
      cmocka_unit_test(both_in_one_batch_are_planned_together),
      cmocka_unit_test(a_loop_head_is_not_evicted),
      cmocka_unit_test(padding_behind_a_function_gives_way),
      cmocka_unit_test(coming_and_going_beside_threads_harms_none_and_uses_nothing_up),
  };

  return cmocka_run_group_tests(tests, prepare, NULL);
}
