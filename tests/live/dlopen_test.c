/* The library loaded by dlopen into a running program. It has initial-exec thread-local storage, for which some loaders
 * keep no room: DLOPEN_REFUSAL is what such a loader says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <sighook/sighook.h>
#include "patterns.h"

static void answer(sighook_context *context, void *user)
{
  (void)context;
  ++*(int *)user;
}

static void hook_by(void *library)
{
  sighook_status (*install)(const sighook_spec *, sighook_hook *) =
      (sighook_status(*)(const sighook_spec *, sighook_hook *))dlsym(library, "sighook_install");
  sighook_status (*remove_hook)(sighook_hook) = (sighook_status(*)(sighook_hook))dlsym(library, "sighook_remove");
  int hits = 0;
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)adds_1234, .handler = answer, .user = &hits};
  sighook_hook hook;

  assert_non_null(install);
  assert_non_null(remove_hook);
  assert_int_equal(install(&spec, &hook), SIGHOOK_OK);
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(hits, 1);
  assert_int_equal(remove_hook(hook), SIGHOOK_OK);
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(hits, 1);
}

static void the_library_works_when_loaded_late_or_is_refused_by_name(void **state)
{
  void *library = dlopen(LIBRARY, RTLD_NOW);
  const char *refusal = library ? NULL : dlerror();

  (void)state;
  if (*DLOPEN_REFUSAL) {
    assert_non_null(refusal);
    if (!strstr(refusal, DLOPEN_REFUSAL))
      fail_msg("refused otherwise: %s", refusal);
    return;
  }
  if (!library)
    fail_msg("%s", refusal);
  hook_by(library);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_library_works_when_loaded_late_or_is_refused_by_name),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
