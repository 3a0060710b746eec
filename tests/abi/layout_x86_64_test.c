/* The x86-64 context's layout is part of the ABI, whatever machine compiles this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sighook/context_x86_64.h>

static void the_integer_registers_have_their_fixed_offsets(void **state)
{
  (void)state;
  assert_int_equal(offsetof(sighook_context, r8), 0);
  assert_int_equal(offsetof(sighook_context, r9), 8);
  assert_int_equal(offsetof(sighook_context, r10), 16);
  assert_int_equal(offsetof(sighook_context, r11), 24);
  assert_int_equal(offsetof(sighook_context, r12), 32);
  assert_int_equal(offsetof(sighook_context, r13), 40);
  assert_int_equal(offsetof(sighook_context, r14), 48);
  assert_int_equal(offsetof(sighook_context, r15), 56);
  assert_int_equal(offsetof(sighook_context, rdi), 64);
  assert_int_equal(offsetof(sighook_context, rsi), 72);
  assert_int_equal(offsetof(sighook_context, rbp), 80);
  assert_int_equal(offsetof(sighook_context, rbx), 88);
  assert_int_equal(offsetof(sighook_context, rdx), 96);
  assert_int_equal(offsetof(sighook_context, rax), 104);
  assert_int_equal(offsetof(sighook_context, rcx), 112);
  assert_int_equal(offsetof(sighook_context, rsp), 120);
  assert_int_equal(offsetof(sighook_context, rip), 128);
  assert_int_equal(offsetof(sighook_context, eflags), 136);
  assert_int_equal(offsetof(sighook_context, state), 144);
  assert_int_equal(offsetof(sighook_context, mxcsr), 148);
  assert_int_equal(sizeof(sighook_context), 152);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_integer_registers_have_their_fixed_offsets)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
