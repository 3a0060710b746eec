/* Removal while callbacks are under way: in the callback itself, beside one that takes its time, after one was left for good. No
 * call stalls, and nothing that remove_wait gave free is looked at. */
#define _GNU_SOURCE
#include "removal.h"

#include <pthread.h>
#include <sys/syscall.h>

/* ---- by the callback itself ---- */

struct self {
  sighook_hook hook;
  bool waits;
  unsigned hits;
};

static void remove_itself(sighook_context *context, void *user)
{
  struct self *self = user;

  (void)context;
  self->hits++;
  REQUIRE(touches_nothing(1) == 2);
  REQUIRE((self->waits ? sighook_remove_wait(self->hook, WAIT_MS) : sighook_remove(self->hook)) == SIGHOOK_OK);
  REQUIRE(touches_nothing(1) == 2);
}

static void remove_from_inside(void)
{
  for (unsigned i = 0; i < 100; i++) {
    struct self self = {.waits = i % 2};
    sighook_spec spec = spec_for(touches_nothing, remove_itself, entry);

    spec.user = &self;
    self.hook = must_install(spec);
    for (long j = 0; j < 3; j++)
      REQUIRE(touches_nothing(j) == j + 1);
    REQUIRE(self.hits == 1);
  }
}

static void a_callback_removes_its_own_hook(void **state)
{
  (void)state;
  assert_true(on_each_entry(remove_from_inside));
}

/* ---- beside a callback that takes its time ---- */

static atomic_bool inside, let_go;
static atomic_uint done;

static void look_for_long(sighook_context *context, void *user)
{
  volatile uint32_t *seen = user;

  (void)context;
  atomic_store(&inside, true);
  while (!atomic_load(&let_go))
    REQUIRE(*seen != POISON);
  REQUIRE(*seen != POISON);
  atomic_fetch_add(&done, 1);
}

static void remove_beside(void)
{
  uint32_t *user = calloc(1, sizeof *user);
  sighook_hook hook = install_looking(user, look_for_long, 0), other = install_looking(user, returns_at_once, 0);
  pthread_t thread;

  REQUIRE(pthread_create(&thread, NULL, hit, NULL) == 0);
  while (!atomic_load(&inside))
    ;
  remove_in_time(other);
  require_timeout(hook);
  REQUIRE(touches_nothing(1) == 2 && atomic_load(&done) == 0);      /* hooked no more */
  require_somebody_inside();
  atomic_store(&let_go, true);
  REQUIRE(pthread_join(thread, NULL) == 0 && atomic_load(&done) == 1);
  require_nobody_inside();
  *user = POISON;
  free(user);
}

static void a_callback_that_takes_its_time_is_waited_for_and_nothing_stalls(void **state)
{
  (void)state;
  assert_true(on_each_entry(remove_beside));
}

/* ---- left for good ---- */

static __thread jmp_buf out;

static void jump_out(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  longjmp(out, 1);
}

static void hit_and_be_out(void)
{
  if (!setjmp(out)) {
    touches_nothing(1);
    REQUIRE(!"to be reached");
  }
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  ++*(uint32_t *)user;
}

/* After it was left: the same thread's later hits are delivered, from where it jumped and from below. */
static __attribute__((noinline)) void require_delivered(unsigned below)
{
  volatile uint8_t room[512];
  uint32_t hits = 0;
  sighook_hook hook = install_looking(&hits, count, 0);

  memset((uint8_t *)room, 0, sizeof room);
  for (unsigned i = 1; i <= 10; i++)
    REQUIRE(touches_nothing(1) == 2 && hits == i);
  remove_in_time(hook);
  if (below)
    require_delivered(below - 1);
}

static void *jump_and_stay(void *data)
{
  hit_and_be_out();
  atomic_store(&inside, true);
  while (!atomic_load(&let_go))
    ;
  return data;
}

static void remove_after_jump(void)
{
  sighook_hook hook = install_looking(NULL, jump_out, 0);
  sighook_status status;
  pthread_t thread;
  uint64_t began;

  REQUIRE(pthread_create(&thread, NULL, jump_and_stay, NULL) == 0);
  while (!atomic_load(&inside))
    ;
  began = now_ms();
  status = sighook_remove_wait(hook, WAIT_MS);
  require_in_time(began, WAIT_MS);
  REQUIRE(status == SIGHOOK_OK || status == SIGHOOK_TIMED_OUT);
  hook = install_looking(NULL, jump_out, 0);
  remove_in_time(hook);
  atomic_store(&let_go, true);
  REQUIRE(pthread_join(thread, NULL) == 0);
  require_nobody_inside();            /* the thread is gone, with its stack */
  for (unsigned i = 0; i < 10; i++) { /* by the same thread: it knows that it is not inside any more */
    hook = install_looking(NULL, jump_out, 0);
    hit_and_be_out();
    REQUIRE(sighook_remove_wait(hook, WAIT_MS) == SIGHOOK_OK);
    REQUIRE(touches_nothing(1) == 2);
    require_delivered(3);
  }
}

static void a_callback_left_by_longjmp_stalls_no_removal(void **state)
{
  (void)state;
  assert_true(on_each_entry(remove_after_jump));
}

/* musl's pthread_join waits for what only pthread_exit does. */
#ifdef __GLIBC__
enum { EXITS = 2 };
#else
enum { EXITS = 1 };
#endif
static bool raw_exit;

static void exit_thread(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  if (raw_exit)
    syscall(SYS_exit, 0);
  pthread_exit(NULL);
}

static void remove_after_exit(void)
{
  for (unsigned i = 0; i < 40; i++) {
    sighook_hook hook = install_looking(NULL, exit_thread, i % 4 < 2 ? 0 : SIGHOOK_INTEGER_ONLY);
    pthread_t thread;

    raw_exit = i % EXITS;
    REQUIRE(pthread_create(&thread, NULL, hit, NULL) == 0 && pthread_join(thread, NULL) == 0);
    REQUIRE(sighook_remove_wait(hook, 10000) == SIGHOOK_OK);
  }
}

static void a_thread_that_exits_inside_a_callback_is_not_waited_for(void **state)
{
  (void)state;
  assert_true(on_each_entry(remove_after_exit));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_callback_removes_its_own_hook),
      cmocka_unit_test(a_callback_that_takes_its_time_is_waited_for_and_nothing_stalls),
      cmocka_unit_test(a_callback_left_by_longjmp_stalls_no_removal),
      cmocka_unit_test(a_thread_that_exits_inside_a_callback_is_not_waited_for),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
