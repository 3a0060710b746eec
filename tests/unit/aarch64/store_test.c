/* Stores to running code of AArch64: word by word, each compared with what stands there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include "host/store.h"

enum { SIZE = 64, LONGEST = 16 };

static _Alignas(SIZE) uint8_t line[SIZE];

static void fill(uint8_t *bytes, size_t length)
{
  for (size_t i = 0; i < length; i++)
    bytes[i] = (uint8_t)rand();
}

static void a_store_fits_wherever_it_is_and_however_long(void **state)
{
  (void)state;
  for (uintptr_t address = 0x1000; address < 0x1000 + SIZE; address++)
    for (size_t length = 1; length <= LONGEST; length++)
      assert_true(host_store_fits(address, length));
  host_store_strict(true);
  assert_true(host_store_fits(0x1000 + 60, LONGEST));
  host_store_strict(false);
}

static void a_store_writes_its_bytes_alone(void **state)
{
  (void)state;
  for (size_t at = 0; at < SIZE; at++)
    for (size_t length = 1; length <= LONGEST && at + length <= SIZE; length++) {
      uint8_t before[LONGEST], after[LONGEST], expected[SIZE];

      fill(line, SIZE);
      fill(after, length);
      memcpy(before, line + at, length);
      memcpy(expected, line, SIZE);
      memcpy(expected + at, after, length);
      assert_true(host_store((uintptr_t)line + at, before, after, length));
      assert_memory_equal(line, expected, SIZE);
    }
}

/* Each byte in turn is another than expected, in whichever word it lies. */
static void a_conflict_in_any_word_leaves_everything_as_it_was(void **state)
{
  (void)state;
  for (size_t at = 0; at + LONGEST <= SIZE; at++)
    for (size_t length = 1; length <= LONGEST; length++)
      for (size_t conflict = 0; conflict < length; conflict++) {
        uint8_t before[LONGEST], after[LONGEST], expected[SIZE];

        fill(line, SIZE);
        fill(after, length);
        memcpy(before, line + at, length);
        before[conflict] ^= 1;
        memcpy(expected, line, SIZE);
        assert_false(host_store((uintptr_t)line + at, before, after, length));
        assert_memory_equal(line, expected, SIZE);
      }
}

static bool stop;

/* Writes the word behind the stored one over and over. */
static void *count_beside(void *word)
{
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
    __atomic_fetch_add((uint32_t *)word, 1, __ATOMIC_RELAXED);
  return NULL;
}

/* Two words, of which another thread changes the second all the time: nearly every store fails there, and none may leave
 * the first word changed. One that succeeds is undone for the next round. */
static void a_word_that_another_thread_changes_is_never_half_of_a_store(void **state)
{
  enum { ROUNDS = 20000 };
  static _Alignas(8) uint32_t words[2];
  static const uint32_t mine[2] = {0x11111111, 0xA5A5A5A5};
  pthread_t thread;
  unsigned stored = 0;

  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, count_beside, &words[1]), 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    uint32_t before[2] = {0, __atomic_load_n(&words[1], __ATOMIC_RELAXED)};
    bool done = host_store((uintptr_t)words, (const uint8_t *)before, (const uint8_t *)mine, sizeof words);

    assert_int_equal(__atomic_load_n(&words[0], __ATOMIC_RELAXED), done ? mine[0] : 0);
    if (done)
      __atomic_store_n(&words[0], 0, __ATOMIC_RELAXED);
    stored += done;
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
  pthread_join(thread, NULL);
  print_message("%u of %u stores found the second word unchanged\n", stored, (unsigned)ROUNDS);
}

/* The words' own halves belong to two threads: a store may not write back what stood in the other half. */
static void *store_upper(void *word)
{
  for (uint16_t i = 0; i < UINT16_C(60000); i++) {
    uint16_t before = i, after = (uint16_t)(i + 1);

    while (!host_store((uintptr_t)word + 2, (const uint8_t *)&before, (const uint8_t *)&after, 2))
      ;
  }
  return NULL;
}

static void stores_to_the_two_halves_of_a_word_do_not_undo_each_other(void **state)
{
  static _Alignas(4) uint32_t word;
  pthread_t thread;

  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, store_upper, &word), 0);
  for (uint16_t i = 0; i < UINT16_C(60000); i++) {
    uint16_t before = i, after = (uint16_t)(i + 1);

    while (!host_store((uintptr_t)&word, (const uint8_t *)&before, (const uint8_t *)&after, 2))
      ;
  }
  pthread_join(thread, NULL);
  assert_int_equal(word, UINT32_C(60000) << 16 | 60000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_store_fits_wherever_it_is_and_however_long),
      cmocka_unit_test(a_store_writes_its_bytes_alone),
      cmocka_unit_test(a_conflict_in_any_word_leaves_everything_as_it_was),
      cmocka_unit_test(a_word_that_another_thread_changes_is_never_half_of_a_store),
      cmocka_unit_test(stores_to_the_two_halves_of_a_word_do_not_undo_each_other),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
