/* Removal while coroutines stay inside callbacks: whichever thread goes on with them, nothing that remove_wait gave free is
 * looked at. */
#define _GNU_SOURCE
#include "removal.h"

#include <pthread.h>
#include <sys/mman.h>

enum { COROUTINES = 2, COROUTINE_STACK = 256 * 1024 };

static struct coroutine {
  void *own, *back;                   /* where it goes on, and who goes on when it switches away */
  uint8_t *stack;
  bool ended;
} coroutines[COROUTINES];
static struct coroutine *volatile current;

static long run_coroutine(long which)
{
  struct coroutine *self = &coroutines[which];

  REQUIRE(touches_nothing(which) == which + 1);
  self->ended = true;
  switch_to(&self->own, self->back);
  return 0;
}

static void start_coroutine(unsigned which)
{
  struct coroutine *self = &coroutines[which];

  *self = (struct coroutine){.stack = mmap(NULL, COROUTINE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
  REQUIRE(self->stack != MAP_FAILED);
  current = self;
  start_on(&self->back, self->stack + COROUTINE_STACK, run_coroutine, which);
}

static void *resume(void *coroutine)
{
  struct coroutine *self = coroutine;

  current = self;
  switch_to(&self->back, self->own);
  return NULL;
}

static void resume_elsewhere(unsigned which)
{
  pthread_t thread;

  REQUIRE(pthread_create(&thread, NULL, resume, &coroutines[which]) == 0 && pthread_join(thread, NULL) == 0);
}

static void switch_away(sighook_context *context, void *user)
{
  volatile uint32_t *seen = user;
  struct coroutine *self = current;

  (void)context;
  REQUIRE(*seen != POISON);
  switch_to(&self->own, self->back);
  REQUIRE(*seen != POISON);
}

static void *start_first(void *data)
{
  start_coroutine(0);
  return data;
}

/* One coroutine: begun on a thread that is here, or gone; gone on with here, or elsewhere. */
static void migrate_one(bool begun_elsewhere, bool ends_elsewhere)
{
  uint32_t *user = calloc(1, sizeof *user);
  sighook_hook hook = install_looking(user, switch_away, 0);
  pthread_t thread;

  if (begun_elsewhere)
    REQUIRE(pthread_create(&thread, NULL, start_first, NULL) == 0 && pthread_join(thread, NULL) == 0);
  else
    start_coroutine(0);
  REQUIRE(!coroutines[0].ended);
  require_timeout(hook);
  require_somebody_inside();
  if (ends_elsewhere)
    resume_elsewhere(0);
  else
    resume(&coroutines[0]);
  REQUIRE(coroutines[0].ended);
  require_nobody_inside();
  *user = POISON;
  REQUIRE(touches_nothing(1) == 2);
}

static void migrate(void)
{
  for (unsigned i = 0; i < 4; i++)
    migrate_one(i & 1, i & 2);
}

static void a_coroutine_that_stays_inside_is_waited_for_whichever_thread_goes_on_with_it(void **state)
{
  (void)state;
  assert_true(on_each_entry(migrate));
}

/* The first ends before the second that began inside it. */
static void end_in_the_other_order(void)
{
  uint32_t *user = calloc(1, sizeof *user);
  sighook_hook hook = install_looking(user, switch_away, SIGHOOK_ALLOW_RECURSION);

  start_coroutine(0);
  start_coroutine(1);
  require_timeout(hook);
  resume(&coroutines[0]);
  REQUIRE(coroutines[0].ended && !coroutines[1].ended);
  require_somebody_inside();
  resume_elsewhere(1);
  REQUIRE(coroutines[1].ended);
  require_nobody_inside();
  *user = POISON;
  REQUIRE(touches_nothing(1) == 2);
  free(user);
}

static void coroutines_inside_at_once_may_end_in_any_order(void **state)
{
  (void)state;
  assert_true(on_each_entry(end_in_the_other_order));
}

static void *start_over_and_over(void *hook)
{
  start_coroutine(0);
  REQUIRE(sighook_remove_wait(*(sighook_hook *)hook, WAIT_MS) == SIGHOOK_TIMED_OUT);
  return hook;
}

/* Records of dead threads are used again, but not one that a coroutine still needs. */
static void leave_to_other_threads(void)
{
  uint32_t *user = calloc(1, sizeof *user);
  sighook_hook hook = install_looking(user, switch_away, 0), counting = install_looking(NULL, NULL, SIGHOOK_COUNT);
  pthread_t threads[64];

  REQUIRE(pthread_create(&threads[0], NULL, start_over_and_over, &hook) == 0 && pthread_join(threads[0], NULL) == 0);
  for (unsigned i = 0; i < 64; i++)
    REQUIRE(pthread_create(&threads[i], NULL, hit, NULL) == 0);
  for (unsigned i = 0; i < 64; i++)
    REQUIRE(pthread_join(threads[i], NULL) == 0);
  REQUIRE(must_query(counting).hits == 65);
  require_somebody_inside();
  resume_elsewhere(0);
  REQUIRE(coroutines[0].ended && must_query(counting).hits == 65);
  require_nobody_inside();
  *user = POISON;
  remove_in_time(counting);
}

static void a_coroutine_outlasts_its_thread_inside_a_callback(void **state)
{
  (void)state;
  assert_true(on_each_entry(leave_to_other_threads));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_coroutine_that_stays_inside_is_waited_for_whichever_thread_goes_on_with_it),
      cmocka_unit_test(coroutines_inside_at_once_may_end_in_any_order),
      cmocka_unit_test(a_coroutine_outlasts_its_thread_inside_a_callback),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
