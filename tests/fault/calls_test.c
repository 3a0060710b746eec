/* Each system call of the library fails, one after the other, or all of a kind from one on: what is asked of the library is
 * done all the same or refused by a clear answer; nothing is half done; and it succeeds once the system lets it. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "child.h"
#include "inject.h"
#include "place.h"
#include "require.h"
#include "scene.h"

enum { VARIANTS = 3, DEADLINE_S = 60 };

static struct shared {
  unsigned calls;                     /* that can fail in one row */
  unsigned refusals;
  bool happened;
} *shared;

static unsigned at, variant;
static bool onwards;

/* The call that the library names is not always the one that failed: it may have tried another way. */
static void check_answer(unsigned step, const sighook_error *error)
{
  shared->refusals++;
  if (!error->os_call || !error->os_error || error->status < SIGHOOK_NO_MEMORY) {
    fprintf(stderr, "%s: %s refused, %d: %s\n", inject_call(), scene_name(step), error->status, error->message);
    _exit(1);
  }
}

static void one_row(void)
{
  bool refused = false;

  alarm(DEADLINE_S);                  /* where a lock is held */
  scene_start();
  inject_start(at, onwards, variant);
  for (unsigned i = 0; i < scene_count(); i++) {
    sighook_error error;
    enum scene_outcome outcome = scene_step(i, &error);

    inject_pause(true);
    scene_check();
    if (outcome == SCENE_REFUSED) {
      check_answer(i, &error);
      REQUIRE(inject_happened());
      REQUIRE(scene_step(i, &error) == SCENE_DONE);
      scene_check();
    }
    inject_pause(refused |= outcome == SCENE_REFUSED);
  }
  if (!at)
    shared->calls = inject_count();
  shared->happened = inject_happened();
  inject_pause(true);
  scene_end();
}

/* Each call's turn, or that of some, spread over the row. */
static void all_rows(void)
{
  bool is_long = getenv("SIGHOOK_LONG") != NULL;
  unsigned stride;

  at = 0;
  assert_true(in_child(one_row) && !shared->happened);
  stride = is_long ? 1 : shared->calls / ROWS;
  shared->refusals = 0;
  for (at = 1; at <= shared->calls; at += stride)
    for (variant = is_long ? 0 : at % VARIANTS; variant < VARIANTS; variant += is_long ? 1 : VARIANTS)
      if (!in_child(one_row))
        fail_msg("call %u%s, variant %u", at, onwards ? " onwards" : "", variant);
  print_message("%u calls could fail; %u times something was refused\n", shared->calls, shared->refusals);
  assert_true(shared->refusals > 0);
}

static void whatever_call_fails_the_answer_is_clear_and_nothing_is_half_done(void **state)
{
  (void)state;
  onwards = false;
  all_rows();
}

static void whatever_kind_of_call_fails_from_some_time_on_nothing_is_half_done(void **state)
{
  (void)state;
  onwards = true;
  all_rows();
}

static int prepare(void **state)
{
  (void)state;
  places_crowd();
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return shared == MAP_FAILED ? -1 : 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whatever_call_fails_the_answer_is_clear_and_nothing_is_half_done),
      cmocka_unit_test(whatever_kind_of_call_fails_from_some_time_on_nothing_is_half_done),
  };

  return cmocka_run_group_tests(tests, prepare, NULL);
}
