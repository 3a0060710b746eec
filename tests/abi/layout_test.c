/* Layouts and numbers that programs compiled against an older header rely on, the same on every machine. A failure here is a
 * broken ABI, not a test to adapt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sighook/sighook.h>

static void the_members_of_sighook_spec_stay_where_they_are(void **state)
{
  (void)state;
  assert_int_equal(offsetof(sighook_spec, size), 0);
  assert_int_equal(offsetof(sighook_spec, kind), 8);
  assert_int_equal(offsetof(sighook_spec, flags), 12);
  assert_int_equal(offsetof(sighook_spec, address), 16);
  assert_int_equal(offsetof(sighook_spec, handler), 24);
  assert_int_equal(offsetof(sighook_spec, leave), 32);
  assert_int_equal(offsetof(sighook_spec, replacement), 40);
  assert_int_equal(offsetof(sighook_spec, call_original), 48);
  assert_int_equal(offsetof(sighook_spec, user), 56);
  assert_int_equal(offsetof(sighook_spec, call_data_size), 64);
  assert_int_equal(offsetof(sighook_spec, priority), 72);
  assert_int_equal(sizeof(sighook_spec), 80);
}

static void the_members_of_sighook_info_stay_where_they_are(void **state)
{
  (void)state;
  assert_int_equal(offsetof(sighook_info, size), 0);
  assert_int_equal(offsetof(sighook_info, kind), 8);
  assert_int_equal(offsetof(sighook_info, entry), 12);
  assert_int_equal(offsetof(sighook_info, flags), 16);
  assert_int_equal(offsetof(sighook_info, address), 24);
  assert_int_equal(offsetof(sighook_info, hits), 32);
  assert_int_equal(offsetof(sighook_info, missed), 40);
  assert_int_equal(offsetof(sighook_info, fragile), 48);
  assert_int_equal(offsetof(sighook_info, length), 56);
  assert_int_equal(offsetof(sighook_info, original), 64);
  assert_int_equal(offsetof(sighook_info, reason), 96);
  assert_int_equal(sizeof(sighook_info), 224);
}

static void the_members_of_sighook_error_stay_where_they_are(void **state)
{
  (void)state;
  assert_int_equal(offsetof(sighook_error, size), 0);
  assert_int_equal(offsetof(sighook_error, status), 8);
  assert_int_equal(offsetof(sighook_error, os_error), 12);
  assert_int_equal(offsetof(sighook_error, os_call), 16);
  assert_int_equal(offsetof(sighook_error, address), 24);
  assert_int_equal(offsetof(sighook_error, message), 32);
  assert_int_equal(sizeof(sighook_error), 288);
}

static void the_members_of_sighook_module_watch_stay_where_they_are(void **state)
{
  (void)state;
  assert_int_equal(offsetof(sighook_module_watch, size), 0);
  assert_int_equal(offsetof(sighook_module_watch, loaded), 8);
  assert_int_equal(offsetof(sighook_module_watch, unloaded), 16);
  assert_int_equal(offsetof(sighook_module_watch, user), 24);
  assert_int_equal(sizeof(sighook_module_watch), 32);
}

static void handles_are_eight_bytes(void **state)
{
  (void)state;
  assert_int_equal(sizeof(sighook_hook), 8);
  assert_int_equal(sizeof(sighook_watch), 8);
}

static void statuses_keep_their_numbers(void **state)
{
  (void)state;
  assert_int_equal(SIGHOOK_OK, 0);
  assert_int_equal(SIGHOOK_BAD_ARGUMENT, 100);
  assert_int_equal(SIGHOOK_BAD_ADDRESS, 101);
  assert_int_equal(SIGHOOK_BAD_STRUCT_SIZE, 102);
  assert_int_equal(SIGHOOK_NOT_FOUND, 103);
  assert_int_equal(SIGHOOK_ALREADY_HOOKED, 104);
  assert_int_equal(SIGHOOK_CONFLICT, 105);
  assert_int_equal(SIGHOOK_UNDECODABLE, 200);
  assert_int_equal(SIGHOOK_UNRELOCATABLE, 201);
  assert_int_equal(SIGHOOK_PATCH_TOO_LONG, 202);
  assert_int_equal(SIGHOOK_OUT_OF_RANGE, 203);
  assert_int_equal(SIGHOOK_NO_MEMORY, 300);
  assert_int_equal(SIGHOOK_NO_NEAR_MEMORY, 301);
  assert_int_equal(SIGHOOK_PROTECT_FAILED, 302);
  assert_int_equal(SIGHOOK_SIGNAL_FAILED, 303);
  assert_int_equal(SIGHOOK_TIMED_OUT, 304);
  assert_int_equal(SIGHOOK_UNSUPPORTED, 400);
}

static void state_bits_keep_their_numbers(void **state)
{
  (void)state;
  assert_int_equal(SIGHOOK_STATE_VECTOR, 1);
  assert_int_equal(SIGHOOK_STATE_MASK, 2);
  assert_int_equal(SIGHOOK_STATE_X87, 4);
}

static void kinds_flags_and_entries_keep_their_numbers(void **state)
{
  (void)state;
  assert_int_equal(SIGHOOK_PROBE, 1);
  assert_int_equal(SIGHOOK_PROBE_SKIP, 2);
  assert_int_equal(SIGHOOK_REPLACE, 3);
  assert_int_equal(SIGHOOK_CALL, 4);
  assert_int_equal(SIGHOOK_START_DISABLED, 1);
  assert_int_equal(SIGHOOK_PREPATCHED, 2);
  assert_int_equal(SIGHOOK_INTEGER_ONLY, 4);
  assert_int_equal(SIGHOOK_FORCE_TRAP, 8);
  assert_int_equal(SIGHOOK_REQUIRE_BRANCH, 16);
  assert_int_equal(SIGHOOK_ALLOW_RECURSION, 32);
  assert_int_equal(SIGHOOK_COUNT, 64);
  assert_int_equal(SIGHOOK_SAVE_X87, 128);
  assert_int_equal(SIGHOOK_NO_PUN, 256);
  assert_int_equal(SIGHOOK_ENTRY_NONE, 0);
  assert_int_equal(SIGHOOK_ENTRY_BRANCH, 1);
  assert_int_equal(SIGHOOK_ENTRY_PUNNED, 2);
  assert_int_equal(SIGHOOK_ENTRY_EVICTED, 3);
  assert_int_equal(SIGHOOK_ENTRY_TRAP, 4);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_members_of_sighook_spec_stay_where_they_are),
      cmocka_unit_test(the_members_of_sighook_info_stay_where_they_are),
      cmocka_unit_test(the_members_of_sighook_error_stay_where_they_are),
      cmocka_unit_test(the_members_of_sighook_module_watch_stay_where_they_are),
      cmocka_unit_test(handles_are_eight_bytes),
      cmocka_unit_test(statuses_keep_their_numbers),
      cmocka_unit_test(state_bits_keep_their_numbers),
      cmocka_unit_test(kinds_flags_and_entries_keep_their_numbers),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
