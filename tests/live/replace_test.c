/* Replaced functions: where the entry leads while a replacement is alone at its site, and while it is not. */
#include "live.h"
#include "patterns.h"

static long (*original)(long);

static long twice_the_original(long value)
{
  return 2 * original(value);
}

static void a_replacement_shares_its_site_with_probes_that_come_and_go(void **state)
{
  uintptr_t address = (uintptr_t)adds_1234;
  long plain = adds_1234(5);
  sighook_spec disabled = probe(adds_1234, count, SIGHOOK_START_DISABLED);
  sighook_hook first, second;

  (void)state;
  assert_int_equal(sighook_inline_hook(address, (const void *)twice_the_original, (void **)&original, NULL), SIGHOOK_OK);
  assert_int_equal(adds_1234(5), 2 * plain);
  for (int round = 0; round < 3; round++) {
    hits = 0;
    first = installed(probe(adds_1234, count, 0));
    assert_int_equal(adds_1234(5), 2 * plain);
    assert_int_equal(hits, 1);
    second = installed(disabled);
    assert_int_equal(adds_1234(5), 2 * plain);
    assert_int_equal(hits, 2);
    assert_int_equal(sighook_remove(first), SIGHOOK_OK);
    assert_int_equal(adds_1234(5), 2 * plain);
    assert_int_equal(hits, 2);
    assert_int_equal(sighook_enable(second), SIGHOOK_OK);
    assert_int_equal(adds_1234(5), 2 * plain);
    assert_int_equal(hits, 3);
    assert_int_equal(sighook_remove(second), SIGHOOK_OK);
    assert_int_equal(adds_1234(5), 2 * plain);
    assert_int_equal(hits, 3);
  }
  assert_int_equal(sighook_unhook(address), SIGHOOK_OK);
  assert_int_equal(adds_1234(5), plain);
}

static void a_lone_near_replacement_is_what_the_entry_leads_to(void **state)
{
  uintptr_t address = (uintptr_t)adds_1234;

  (void)state;
  assert_int_equal(sighook_inline_hook(address, (const void *)twice_the_original, NULL, NULL), SIGHOOK_OK);
  assert_int_equal(branch_target(address), (uintptr_t)twice_the_original);
  assert_int_equal(sighook_unhook(address), SIGHOOK_OK);
}

static void a_failed_batch_leaves_a_lone_replacement_as_it_was(void **state)
{
  uintptr_t address = (uintptr_t)adds_1234;
  long plain = adds_1234(5);
  sighook_spec good = probe(adds_1234, count, 0), bad = probe(adds_1234, count, 0);
  sighook_hook hooks[2];
  sighook_batch *batch;
  size_t failed_at;

  (void)state;
  bad.address = (uintptr_t)&hooks;                     /* not executable */
  assert_int_equal(sighook_inline_hook(address, (const void *)twice_the_original, (void **)&original, NULL), SIGHOOK_OK);
  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &good, &hooks[0]), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &bad, &hooks[1]), SIGHOOK_OK);
  assert_int_equal(sighook_batch_commit(batch, &failed_at), SIGHOOK_BAD_ADDRESS);
  assert_int_equal(failed_at, 1);
  sighook_batch_destroy(batch);
  assert_int_equal(adds_1234(5), 2 * plain);
  assert_int_equal(sighook_unhook(address), SIGHOOK_OK);
  assert_int_equal(adds_1234(5), plain);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_replacement_shares_its_site_with_probes_that_come_and_go),
      cmocka_unit_test(a_lone_near_replacement_is_what_the_entry_leads_to),
      cmocka_unit_test(a_failed_batch_leaves_a_lone_replacement_as_it_was),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
