/* Batches that remove one hook and install another on which the first one's entry leans, or the other way round, while threads
 * run both: what leans goes before, and comes after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "hooks.h"
#include "targets.h"

enum { ROUNDS = 150, SPACES = 4, LEFT = 16, LONGER = 20, THREADS = 2, BYTES = 64 };

long across_then_long(long), across_then_short(long);
extern const uint8_t across_then_long_behind[], across_then_short_behind[];

static const struct pair {
  long (*function)(long);
  const uint8_t *behind;
} pairs[] = {{across_then_long, across_then_long_behind}, {across_then_short, across_then_short_behind}};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static uint64_t seed;
static atomic_bool stop;
static atomic_ulong wrong;

static void *call(void *unused)
{
  while (!atomic_load_explicit(&stop, memory_order_relaxed))
    for (unsigned i = 0; i < PAIRS; i++)
      if (pairs[i].function(5) != target_expected(5))
        atomic_fetch_add(&wrong, 1);
  return unused;
}

static sighook_hook swap(sighook_hook out, uintptr_t in)
{
  sighook_spec spec = spec_of(in, 0);
  sighook_batch *batch;
  sighook_hook hook;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  if (out.id)
    REQUIRE(sighook_batch_remove(batch, out) == SIGHOOK_OK);
  REQUIRE(sighook_batch_install(batch, &spec, &hook) == SIGHOOK_OK);
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
  return hook;
}

static void swap_all_the_time(void)
{
  struct code nearby = {.low = (uintptr_t)pairs[0].function, .high = (uintptr_t)pairs[0].function};
  unsigned rounds = ROUNDS * (getenv("SIGHOOK_LONG") ? LONGER : 1);
  pthread_t threads[THREADS];
  uint8_t before[PAIRS][BYTES];

  code_crowd(&nearby, LEFT, seed);
  for (unsigned i = 0; i < PAIRS; i++)
    memcpy(before[i], (const void *)(uintptr_t)pairs[i].function, BYTES);
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_create(&threads[i], NULL, call, NULL) == 0);
  for (unsigned round = 0; round < rounds; round++) {
    const struct pair *pair = &pairs[round % PAIRS];
    sighook_hook hook = swap((sighook_hook){0}, (uintptr_t)pair->function);

    hook = swap(hook, (uintptr_t)pair->behind);      /* what leaned on it goes */
    hook = swap(hook, (uintptr_t)pair->function);    /* what will lean on it comes */
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    REQUIRE(memcmp(before[round % PAIRS], (const void *)(uintptr_t)pair->function, BYTES) == 0);
  }
  atomic_store(&stop, true);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  REQUIRE(atomic_load(&wrong) == 0);
}

static void hooks_change_places_in_one_batch(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SPACES; i++) {
    assert_true(in_child(swap_all_the_time));
    random_next(&seed);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(hooks_change_places_in_one_batch)};

  seed = random_seed();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
