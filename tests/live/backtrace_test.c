/* A handler may look back through the capture, where the C library has backtrace(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <execinfo.h>
#include "live.h"
#include "patterns.h"

static void look_back(sighook_context *context, void *user)
{
  void *frames[32];

  (void)context;
  *(int *)user = backtrace(frames, 32);
}

static void a_backtrace_passes_through_a_handler(void **state)
{
  int depth = 0;
  sighook_spec spec = probe(adds_1234, look_back, 0);
  sighook_hook hook;

  (void)state;
  spec.user = &depth;
  hook = installed(spec);
  adds_1234(1);
  assert_true(depth > 5); /* handler, capture, function, this test, cmocka, main ... */
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_backtrace_passes_through_a_handler),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
