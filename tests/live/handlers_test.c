/* What a handler may do: hit sites, jump out, write vector registers, allocate, install hooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "live.h"
#include "patterns.h"

static void hit_again(sighook_context *context, void *user)
{
  (void)context;
  hits++;
  if (hits < 5 || !user)
    adds_1234(1);
}

static void a_hit_inside_a_handler_is_skipped_or_delivered_as_asked(void **state)
{
  sighook_info info = {.size = sizeof info};
  sighook_spec spec = probe(adds_1234, hit_again, SIGHOOK_COUNT);
  sighook_hook hook = installed(spec);

  (void)state;
  hits = 0;
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.hits, 2);
  assert_int_equal(info.missed, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  spec.flags = SIGHOOK_ALLOW_RECURSION;
  spec.user = (void *)&hits;
  hook = installed(spec);
  hits = 0;
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(hits, 5);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static jmp_buf out;

static void jump_out(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
  longjmp(out, 1);
}

static void a_handler_left_by_longjmp_is_called_again(void **state)
{
  static const uint32_t flags[] = {0, SIGHOOK_FORCE_TRAP};

  (void)state;
  for (volatile int i = 0; i < 2; i++) {
    sighook_hook hook = installed(probe(adds_1234, jump_out, flags[i])), other;

    hits = 0;
    for (volatile int j = 0; j < 100; j++)
      if (!setjmp(out))
        adds_1234(1);
    assert_int_equal(hits, 100);
    assert_int_equal(sighook_remove_wait(hook, 2000), SIGHOOK_OK);
    other = installed(probe(adds_1234, count, flags[i]));
    for (long j = 0; j < 100; j++)
      assert_int_equal(adds_1234(j), j + 1234);
    assert_int_equal(hits, 200);
    assert_int_equal(sighook_remove(other), SIGHOOK_OK);
  }
}

static void move_sp(sighook_context *context, void *user)
{
  (void)user;
  hits++;
  lower_sp(context);
}

/* Nothing but sp is another one: the instruction runs all the same, and once. */
static void a_moved_sp_takes_effect_at_the_instruction(void **state)
{
  sighook_hook hook = installed(probe(adds_1234, move_sp, 0));

  (void)state;
  hits = 0;
  for (long i = 0; i < 100; i++)
    assert_int_equal(call_keeping_sp(adds_1234, i), i + 1234);
  assert_int_equal(hits, 100);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void write_vector(sighook_context *context, void *user)
{
  size_t width = 0;
  uint64_t *live = sighook_vector(context, VECTOR_LIVE, &width);

  (void)user;
  assert_true(width >= 16);
  memset(live, 0, width);
  live[0] = 31337;
  live[width / 8 - 1] += 1;                            /* an upper part that the CPU held in its initial state */
}

static void a_written_vector_register_takes_effect(void **state)
{
  uintptr_t nop = (uintptr_t)live_vectors + LIVE_VECTORS_NOP;
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = nop, .handler = write_vector};
  sighook_hook hook = installed(spec);

  (void)state;
  assert_int_equal(live_vectors(5), 31337);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(live_vectors(5), 5);
}

static void allocate_and_hook(sighook_context *context, void *user)
{
  sighook_hook hook;
  sighook_spec spec = probe(tests_and_branches, count, 0);
  void *volatile memory = malloc(100);

  (void)context;
  (void)user;
  free(memory);
  hits += sighook_install(&spec, &hook) == SIGHOOK_OK && sighook_remove(hook) == SIGHOOK_OK;
}

static void a_handler_may_allocate_and_install_hooks_even_inside_malloc(void **state)
{
  uint32_t flags[] = {0, SIGHOOK_FORCE_TRAP};
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = allocate_and_hook};

  (void)state;
  if (sighook_resolve("malloc", &spec.address) != SIGHOOK_OK)
    spec.address = (uintptr_t)malloc;                  /* a static program exports no names, and has no other malloc */
  for (int i = 0; i < 2; i++) {
    sighook_hook hook;
    void *volatile memory;

    spec.flags = flags[i];
    hook = installed(spec);
    hits = 0;
    memory = malloc(10);
    free(memory);
    assert_true(hits >= 1);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hit_inside_a_handler_is_skipped_or_delivered_as_asked),
      cmocka_unit_test(a_moved_sp_takes_effect_at_the_instruction),
      cmocka_unit_test(a_handler_left_by_longjmp_is_called_again),
      cmocka_unit_test(a_written_vector_register_takes_effect),
      cmocka_unit_test(a_handler_may_allocate_and_install_hooks_even_inside_malloc),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
