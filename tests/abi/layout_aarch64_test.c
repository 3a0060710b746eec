/* The AArch64 context's layout is part of the ABI, whatever machine compiles this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sighook/context_aarch64.h>

static void the_aarch64_context_has_its_fixed_offsets(void **state)
{
  (void)state;
  assert_int_equal(offsetof(sighook_context, x), 0);
  assert_int_equal(offsetof(sighook_context, x[30]), 240);
  assert_int_equal(offsetof(sighook_context, sp), 248);
  assert_int_equal(offsetof(sighook_context, pc), 256);
  assert_int_equal(offsetof(sighook_context, cpsr), 264);
  assert_int_equal(offsetof(sighook_context, state), 268);
  assert_int_equal(offsetof(sighook_context, fpsr), 272);
  assert_int_equal(offsetof(sighook_context, fpcr), 276);
  assert_int_equal(sizeof(sighook_context), 280);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_aarch64_context_has_its_fixed_offsets)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
