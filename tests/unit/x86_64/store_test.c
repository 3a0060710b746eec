/* Stores to running code of x86-64. Built with the address and undefined-behaviour sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "host/store.h"

static void a_store_fits_inside_a_line_and_up_to_eight_bytes(void **state)
{
  (void)state;
  assert_true(host_store_fits(0x1000 + 59, 5));
  assert_false(host_store_fits(0x1000 + 60, 5));
  assert_true(host_store_fits(0x1000 + 63, 1));
  assert_false(host_store_fits(0x1000, 9));
  host_store_strict(true);
  assert_true(host_store_fits(0x1000 + 3, 5));
  assert_false(host_store_fits(0x1000 + 4, 5));
  host_store_strict(false);
}

static void a_store_writes_its_bytes_alone_or_nothing(void **state)
{
  static _Alignas(64) uint8_t line[64];

  (void)state;
  for (int strict = 0; strict < 2; strict++)
    for (size_t at = 0; at < 64; at++)
      for (size_t length = 1; length <= 8; length++) {
        uint8_t before[8], after[8], expected[64];

        host_store_strict(strict);
        if (at + length > 64 || !host_store_fits((uintptr_t)line + at, length))
          continue;
        for (size_t i = 0; i < 64; i++)
          line[i] = expected[i] = (uint8_t)rand();
        memcpy(before, line + at, length);
        for (size_t i = 0; i < length; i++)
          expected[at + i] = after[i] = (uint8_t)rand();
        assert_true(host_store((uintptr_t)line + at, before, after, length));
        assert_memory_equal(line, expected, 64);
        before[0] ^= (uint8_t)~after[0] ^ before[0];          /* not what stands there now */
        assert_false(host_store((uintptr_t)line + at, before, after, length));
        assert_memory_equal(line, expected, 64);
      }
  host_store_strict(false);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_store_fits_inside_a_line_and_up_to_eight_bytes),
      cmocka_unit_test(a_store_writes_its_bytes_alone_or_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
