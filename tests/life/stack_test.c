/* What a hit needs of the stack, as docs/callbacks.md has it, and what happens where that is not there. */
#define _GNU_SOURCE
#include "more.h"

#include <pthread.h>
#include <string.h>

enum { AREA = 64 * 1024, ABOVE = 1024, ALIGNMENT = 64 };

static _Alignas(ALIGNMENT) uint8_t area[AREA];

/* By general registers: memset() may leave the paint in a vector register, which is then saved where it does not show. */
static void paint_area(uint8_t paint)
{
  for (volatile uint8_t *byte = area; byte < area + AREA; byte++)
    *byte = paint;
}

/* How far below the stack pointer of its first instruction a call of the function touches the stack. */
static unsigned touched(long (*function)(long), unsigned shift, uint8_t paint)
{
  uint8_t *sp = area + AREA - ABOVE - shift;
  unsigned lowest = 0;

  paint_area(paint);
  REQUIRE(run_on(sp, function, 5) == 6);
  while (area + lowest < sp - PUSHED_BY_CALL && area[lowest] == paint)
    lowest++;
  return (unsigned)(sp - PUSHED_BY_CALL - (area + lowest));
}

static unsigned larger(unsigned a, unsigned b)
{
  return a > b ? a : b;
}

/* At most, over all alignments; what a byte was saved as does not show on one paint. */
static unsigned need_of(long (*function)(long))
{
  unsigned most = 0;

  for (unsigned shift = 0; shift < ALIGNMENT; shift += SP_STEP) {
    most = larger(most, touched(function, shift, 0xA5));
    most = larger(most, touched(function, shift, 0x5A));
  }
  return most;
}

static unsigned need_with(uint32_t flags, sighook_handler handler)
{
  sighook_hook hook = must_install(spec_for(touches_nothing, handler, flags));
  unsigned need;

  REQUIRE(touches_nothing(1) == 2);                   /* a thread's first hit needs more */
  need = need_of(touches_nothing);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  return need;
}

static size_t width;

static void each_save_class_needs_what_the_documentation_says(void **state)
{
  (void)state;
  width = vector_width();
  assert_int_equal(need_of(touches_nothing), 0);
  assert_int_equal(need_with(SIGHOOK_INTEGER_ONLY, returns_at_once), NEED_INTEGER);
  assert_int_equal(need_with(0, returns_at_once), need_vector(width));
  assert_int_equal(need_with(SIGHOOK_SAVE_X87, returns_at_once), need_full(width));
  if (!CLASSES_STAY) {                /* what was hooked for a larger class before */
    assert_int_equal(need_with(0, returns_at_once), need_vector(width));
    assert_int_equal(need_with(SIGHOOK_INTEGER_ONLY, returns_at_once), NEED_INTEGER);
  }
}

static void the_documentation_has_these_numbers(void **state)
{
  FILE *file = fopen(CALLBACKS_MD, "re");
  static char text[65536];

  (void)state;
  assert_non_null(file);
  assert_true(fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  for (unsigned i = 0; i < sizeof documented / sizeof *documented; i++)
    if (!strstr(text, documented[i]))
      fail_msg("docs/callbacks.md does not say: %s", documented[i]);
  for (unsigned i = 0; i < sizeof more / sizeof *more; i++) {
    char phrase[128];

    snprintf(phrase, sizeof phrase, "%s | %u |", more[i].what, more[i].bytes);
    if (!strstr(text, phrase))
      fail_msg("docs/callbacks.md does not say: %s", phrase);
  }
}

static void several_hooks_and_counting_need_little_more(void **state)
{
  sighook_hook other = must_install(spec_for(touches_nothing, returns_at_once, SIGHOOK_INTEGER_ONLY));
  unsigned two = need_with(SIGHOOK_INTEGER_ONLY, returns_at_once), larger_class = need_with(0, returns_at_once);
  unsigned counting = need_with(SIGHOOK_INTEGER_ONLY | SIGHOOK_COUNT, returns_at_once);

  (void)state;
  REQUIRE(sighook_remove(other) == SIGHOOK_OK);
  assert_in_range(two, NEED_INTEGER, (CLASSES_STAY ? need_vector(width) : NEED_INTEGER) + more[IN_CHAIN].bytes);
  assert_in_range(larger_class, need_vector(width), need_vector(width) + more[IN_CHAIN].bytes);
  assert_in_range(counting, NEED_INTEGER, (COUNTING_IS_INTEGER ? NEED_INTEGER : need_vector(width)) + more[IN_CHAIN].bytes);
}

static void counting_alone_needs_next_to_nothing(void **state)
{
  (void)state;
  assert_int_equal(need_with(SIGHOOK_COUNT, NULL), NEED_TO_COUNT);
}

static unsigned inside;

static void measure_inside(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  inside = need_of(touches_nothing);
}

static __attribute__((noinline)) long outer(long value)
{
  __asm__ volatile("");
  return value + 1;
}
static long (*volatile call_outer)(long) = outer;

static void a_hit_inside_a_callback_needs_little_more(void **state)
{
  static const uint32_t flags[] = {0, SIGHOOK_ALLOW_RECURSION, SIGHOOK_COUNT};
  sighook_hook around = must_install(spec_for(outer, measure_inside, 0));
  unsigned most = 0;

  (void)state;
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
    sighook_hook hook = must_install(spec_for(touches_nothing, returns_at_once, flags[i]));

    inside = 0;
    REQUIRE(call_outer(1) == 2 && sighook_remove(hook) == SIGHOOK_OK);
    most = larger(most, inside);
    REQUIRE(inside >= need_vector(width) - ALIGNMENT);
  }
  REQUIRE(sighook_remove(around) == SIGHOOK_OK);
  assert_in_range(most, 0, need_vector(width) + more[NESTED].bytes);
}

/* ---- a thread's first hit ---- */

struct first {
  unsigned shift, most;
  uint8_t paint;
};

static void *hit_first(void *data)
{
  struct first *first = data;

  first->most = touched(touches_nothing, first->shift, first->paint);
  return NULL;
}

static unsigned need_of_first_hits(void)
{
  unsigned most = 0;

  for (unsigned i = 0; i < 8; i++) {
    struct first first = {.shift = 16 * (i / 2), .paint = i % 2 ? 0xA5 : 0x5A};
    pthread_t thread;

    REQUIRE(pthread_create(&thread, NULL, hit_first, &first) == 0 && pthread_join(thread, NULL) == 0);
    most = larger(most, first.most);
  }
  return most;
}

static void a_threads_first_hit_needs_little_more(void **state)
{
  sighook_hook hook = must_install(spec_for(touches_nothing, returns_at_once, 0));
  unsigned most = need_of_first_hits();

  (void)state;
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  assert_in_range(most, need_vector(width) - ALIGNMENT, need_vector(width) + more[AT_FIRST].bytes);
}

/* The library's first call makes the calling thread's record too: another thread makes it. */
static void *install_elsewhere(void *hook)
{
  *(sighook_hook *)hook = must_install(spec_for(touches_nothing, returns_at_once, 0));
  return NULL;
}

static void hit_first_on_the_main_thread(void)
{
  struct first first = {.paint = 0xA5};
  sighook_hook hook;
  pthread_t thread;

  REQUIRE(pthread_create(&thread, NULL, install_elsewhere, &hook) == 0 && pthread_join(thread, NULL) == 0);
  hit_first(&first);
  width = vector_width();
  REQUIRE(first.most <= need_vector(width) + more[AT_FIRST].bytes);
}

static void the_main_threads_first_hit_needs_no_more_than_others(void **state)
{
  (void)state;
  assert_true(in_child(hit_first_on_the_main_thread));
}

static void trap_entries_need_a_signal_frame_for_the_moment(void **state)
{
  unsigned most;

  (void)state;
  most = need_with(SIGHOOK_FORCE_TRAP | SIGHOOK_INTEGER_ONLY, returns_at_once);
  assert_in_range(most, NEED_INTEGER, NEED_TO_SIGNAL + signal_frame() + more[IN_TRAP].bytes);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_main_threads_first_hit_needs_no_more_than_others),     /* before anything of the library's is called */
      cmocka_unit_test(each_save_class_needs_what_the_documentation_says),
      cmocka_unit_test(the_documentation_has_these_numbers),
      cmocka_unit_test(several_hooks_and_counting_need_little_more),
      cmocka_unit_test(counting_alone_needs_next_to_nothing),
      cmocka_unit_test(a_hit_inside_a_callback_needs_little_more),
      cmocka_unit_test(a_threads_first_hit_needs_little_more),
      cmocka_unit_test(trap_entries_need_a_signal_frame_for_the_moment),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
