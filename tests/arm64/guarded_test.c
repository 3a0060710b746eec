/* Hooks on the landing pads of a guarded program: entries stand behind the pads, and return addresses that a pad has signed
 * survive whatever a handler or a replacement does. Only a kernel tells that pages are guarded: runs on booted ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <execinfo.h>
#include <sys/auxv.h>
#include <sighook/sighook.h>

typedef long function(long);
function padded, twice_padded, signing_a, signing_b;

enum { VALUE = 3, WORD = 4, CPU_BTI = 1 << 17 };

struct subject {
  function *volatile call;
  long plain;               /* what it makes of VALUE */
};

static struct subject subjects[] = {{padded, VALUE + 1}, {signing_a, VALUE + 10}, {signing_b, VALUE + 10}};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

extern const int stubs_are_far __attribute__((weak));   /* see tests/live/aarch64/far.c: pads get traps then */

static sighook_entry usual_entry(void)
{
  return &stubs_are_far ? SIGHOOK_ENTRY_TRAP : SIGHOOK_ENTRY_BRANCH;
}

static long hits, depth;
static uintptr_t seen_pc;
static function *original;

static void count(sighook_context *context, void *user)
{
  (void)user;
  hits++;
  seen_pc = context->pc;
}

static void return_42(sighook_context *context, void *user)
{
  (void)user;
  sighook_return(context, 42);
}

static void skip_pad(sighook_context *context, void *user)
{
  (void)user;
  sighook_skip(context);
}

static void look_back(sighook_context *context, void *user)
{
  void *frames[16];

  (void)context;
  (void)user;
  depth = backtrace(frames, 16);
}

static long hundredfold(long value)
{
  return 100 * value;
}

static long hundredfold_of_original(long value)
{
  return 100 * original(value);
}

static sighook_hook install(const struct subject *subject, sighook_kind kind, uint32_t flags, sighook_handler handler)
{
  sighook_spec spec = {.size = sizeof spec, .kind = kind, .flags = flags, .address = (uintptr_t)subject->call, .handler = handler};
  sighook_hook hook;

  if (kind == SIGHOOK_REPLACE) {
    spec.replacement = (const void *)hundredfold_of_original;
    spec.call_original = (void **)&original;
  }
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  return hook;
}

static sighook_info query(sighook_hook hook)
{
  sighook_info info = {.size = sizeof info};

  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  return info;
}

static void this_program_is_guarded(void **state)
{
  (void)state;
  assert_true(getauxval(AT_HWCAP2) & CPU_BTI);
  for (unsigned i = 0; i < SUBJECTS; i++) {
    sighook_hook hook = install(&subjects[i], SIGHOOK_PROBE, 0, count);
    uint32_t first = *(const uint32_t *)(uintptr_t)subjects[i].call;

    assert_int_equal(query(hook).entry, usual_entry());
    assert_int_equal(first >> 12 == 0xD5032, !&stubs_are_far);   /* a hint: the pad stays where it is */
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

static void a_probe_sees_the_address_that_was_asked_for(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SUBJECTS; i++)
    for (unsigned trap = 0; trap < 2; trap++) {
      sighook_hook hook = install(&subjects[i], SIGHOOK_PROBE, trap ? SIGHOOK_FORCE_TRAP : 0, count);

      hits = 0;
      assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
      assert_int_equal(hits, 1);
      assert_int_equal(seen_pc, (uintptr_t)subjects[i].call);
      assert_int_equal(query(hook).entry, trap ? SIGHOOK_ENTRY_TRAP : usual_entry());
      assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
      assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
      assert_int_equal(hits, 1);
    }
}

static void a_handler_may_return_to_the_caller(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SUBJECTS; i++) {
    sighook_hook hook = install(&subjects[i], SIGHOOK_PROBE, 0, return_42);

    assert_int_equal(subjects[i].call(VALUE), 42);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

static void skipping_a_pad_leaves_out_nothing_else(void **state)
{
  sighook_hook hook = install(&subjects[0], SIGHOOK_PROBE, 0, skip_pad);

  (void)state;
  assert_int_equal(subjects[0].call(VALUE), subjects[0].plain);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void counters_go_on_and_off(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SUBJECTS; i++) {
    sighook_hook hook = install(&subjects[i], SIGHOOK_PROBE, SIGHOOK_COUNT, NULL);

    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
    assert_int_equal(sighook_disable(hook), SIGHOOK_OK);
    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
    assert_int_equal(sighook_enable(hook), SIGHOOK_OK);
    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
    assert_int_equal(query(hook).hits, 3);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

static void an_inline_hook_replaces_the_function(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SUBJECTS; i++) {
    uintptr_t address = (uintptr_t)subjects[i].call;
    uint32_t first = *(const uint32_t *)address, told;

    assert_int_equal(sighook_inline_hook(address, (const void *)hundredfold, NULL, &told), SIGHOOK_OK);
    assert_int_equal(told, first);
    assert_int_equal(subjects[i].call(VALUE), 100 * VALUE);
    assert_int_equal(sighook_unhook(address), SIGHOOK_OK);
    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
  }
}

static void a_replacement_calls_the_original_beside_probes_and_counters(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SUBJECTS; i++) {
    const struct subject *subject = &subjects[i];
    sighook_hook replaced = install(subject, SIGHOOK_REPLACE, 0, NULL), probe, counter;

    assert_int_equal(subject->call(VALUE), 100 * subject->plain);
    hits = 0;
    probe = install(subject, SIGHOOK_PROBE, 0, count);
    assert_int_equal(subject->call(VALUE), 100 * subject->plain);
    counter = install(subject, SIGHOOK_PROBE, SIGHOOK_COUNT, NULL);
    assert_int_equal(subject->call(VALUE), 100 * subject->plain);
    assert_int_equal(hits, 2);
    assert_int_equal(query(counter).hits, 1);
    assert_int_equal(sighook_remove(counter), SIGHOOK_OK);
    assert_int_equal(sighook_disable(replaced), SIGHOOK_OK);
    assert_int_equal(subject->call(VALUE), subject->plain);
    assert_int_equal(sighook_remove(probe), SIGHOOK_OK);
    assert_int_equal(subject->call(VALUE), subject->plain);
    assert_int_equal(sighook_enable(replaced), SIGHOOK_OK);
    assert_int_equal(subject->call(VALUE), 100 * subject->plain);
    assert_int_equal(sighook_remove(replaced), SIGHOOK_OK);
    assert_int_equal(subject->call(VALUE), subject->plain);
  }
}

static void a_backtrace_passes_through_a_handler(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SUBJECTS; i++) {
    sighook_hook hook = install(&subjects[i], SIGHOOK_PROBE, 0, look_back);

    depth = 0;
    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
    assert_true(depth > 5);                            /* the handler, a routine, the function, this test, cmocka, main ... */
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

static void a_pad_before_a_hooked_word_gets_a_trap(void **state)
{
  (void)state;
  for (unsigned i = 0; i < SUBJECTS; i++) {
    struct subject behind = {(function *)((uintptr_t)subjects[i].call + WORD), 0};
    sighook_hook second = install(&behind, SIGHOOK_PROBE, 0, count), first = install(&subjects[i], SIGHOOK_PROBE, 0, count);

    hits = 0;
    assert_int_equal(query(first).entry, SIGHOOK_ENTRY_TRAP);
    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
    assert_int_equal(hits, 2);
    assert_int_equal(sighook_remove(first), SIGHOOK_OK);
    assert_int_equal(sighook_remove(second), SIGHOOK_OK);
    assert_int_equal(subjects[i].call(VALUE), subjects[i].plain);
  }
}

static void a_pad_before_another_leaves_that_in_place(void **state)
{
  struct subject both = {twice_padded, VALUE + 1}, second = {(function *)((uintptr_t)twice_padded + WORD), VALUE + 1};
  sighook_hook hook = install(&both, SIGHOOK_PROBE, 0, count), other;

  (void)state;
  hits = 0;
  assert_int_equal(query(hook).entry, SIGHOOK_ENTRY_TRAP);
  assert_int_equal(second.call(VALUE), second.plain);
  assert_int_equal(hits, 0);
  assert_int_equal(both.call(VALUE), both.plain);
  assert_int_equal(hits, 1);
  other = install(&second, SIGHOOK_PROBE, 0, count);
  assert_int_equal(query(other).entry, usual_entry());
  assert_int_equal(second.call(VALUE), second.plain);
  assert_int_equal(both.call(VALUE), both.plain);
  assert_int_equal(hits, 4);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(sighook_remove(other), SIGHOOK_OK);
  assert_int_equal(both.call(VALUE), both.plain);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(this_program_is_guarded),
      cmocka_unit_test(a_probe_sees_the_address_that_was_asked_for),
      cmocka_unit_test(a_handler_may_return_to_the_caller),
      cmocka_unit_test(skipping_a_pad_leaves_out_nothing_else),
      cmocka_unit_test(counters_go_on_and_off),
      cmocka_unit_test(an_inline_hook_replaces_the_function),
      cmocka_unit_test(a_replacement_calls_the_original_beside_probes_and_counters),
      cmocka_unit_test(a_backtrace_passes_through_a_handler),
      cmocka_unit_test(a_pad_before_a_hooked_word_gets_a_trap),
      cmocka_unit_test(a_pad_before_another_leaves_that_in_place),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
