/* Callbacks on stacks that are not the thread's own, coroutines' and signal handlers', are left by longjmp, which
 * docs/callbacks.md says not to do: nothing stalls and the hooked code runs on; what the thread misses from then on is what
 * that page says. */
#define _GNU_SOURCE
#include "removal.h"

#include <pthread.h>
#include <sys/mman.h>

enum { OTHER_STACK = 256 * 1024, ARGUMENT = 5 };

static sigjmp_buf out;
static uint8_t *other_stack;
static bool lands_here, on_signal_stack;   /* the way tried: where the jump lands, and which stack it is that is left */

static void jump_out(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  siglongjmp(out, 1);
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  ++*(uint32_t *)user;
}

static long hit_and_land_here(long value)
{
  if (!sigsetjmp(out, 1)) {
    touches_nothing(1);
    REQUIRE(!"to be reached");
  }
  return value;
}

static long hit_and_be_gone(long value)
{
  touches_nothing(value);
  REQUIRE(!"to be reached");
  return value;
}

static volatile sig_atomic_t handled;

static void hit_in_handler(int number)
{
  if (lands_here)
    REQUIRE(hit_and_land_here(number) == number);
  else
    hit_and_be_gone(number);
  handled = handled + 1;
}

static void hit_on_other_stack(void)
{
  if (on_signal_stack)
    REQUIRE(raise(SIGUSR1) == 0);
  else
    REQUIRE(run_on(other_stack + OTHER_STACK, lands_here ? hit_and_land_here : hit_and_be_gone, ARGUMENT) == ARGUMENT);
}

static void leave(void)
{
  struct sigaction action = {.sa_handler = hit_in_handler, .sa_flags = SA_ONSTACK};
  stack_t alternate = {.ss_size = OTHER_STACK};

  other_stack = mmap(NULL, OTHER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(other_stack != MAP_FAILED);
  alternate.ss_sp = other_stack;
  if (on_signal_stack)
    REQUIRE(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
  if (lands_here) {
    hit_on_other_stack();
    REQUIRE(handled == on_signal_stack);
  } else if (!sigsetjmp(out, 1)) {
    hit_on_other_stack();
    REQUIRE(!"to be reached");
  }
}

/* Removes the hook; whether its handler has been left for good nobody can tell. */
static void wait_in_vain(sighook_hook hook)
{
  uint64_t began = now_ms();
  sighook_status status = sighook_remove_wait(hook, WAIT_MS);

  require_in_time(began, WAIT_MS);
  REQUIRE(status == SIGHOOK_OK || status == SIGHOOK_TIMED_OUT);
  REQUIRE(sighook_remove(hook) == SIGHOOK_NOT_FOUND);
}

static void require_hits(uint32_t flags, uint32_t here, uint32_t elsewhere)
{
  uint32_t hits = 0;
  sighook_hook hook = install_looking(&hits, count, flags | SIGHOOK_COUNT);
  pthread_t thread;

  for (unsigned i = 1; i <= 10; i++)
    REQUIRE(touches_nothing(ARGUMENT) == ARGUMENT + 1);
  REQUIRE(hits == 10 * here && must_query(hook).hits == 10 && must_query(hook).missed == 10 * !here);
  for (unsigned i = 1; i <= 10; i++)
    REQUIRE(pthread_create(&thread, NULL, hit, NULL) == 0 && pthread_join(thread, NULL) == 0);
  REQUIRE(hits == 10 * here + 10 * elsewhere);
  remove_in_time(hook);
}

static void *leave_on_thread(void *data)
{
  leave();
  return data;
}

static void go_astray(void)
{
  sighook_hook hook = install_looking(NULL, jump_out, 0);

  REQUIRE((must_query(hook).entry == SIGHOOK_ENTRY_TRAP) == (entry == SIGHOOK_FORCE_TRAP));
  leave();
  require_timeout(hook);
  require_hits(0, 0, 1);
  require_hits(SIGHOOK_ALLOW_RECURSION, 1, 1);
  require_somebody_inside();
}

/* On another thread, which then ends. */
static void go_astray_and_end(void)
{
  sighook_hook hook = install_looking(NULL, jump_out, 0);
  pthread_t thread;

  REQUIRE(pthread_create(&thread, NULL, leave_on_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  wait_in_vain(hook);
  require_hits(0, 1, 1);
  require_hits(SIGHOOK_ALLOW_RECURSION, 1, 1);
}

static void a_callback_on_another_stack_that_is_left_by_longjmp_stalls_nothing(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    lands_here = i & 1;
    on_signal_stack = i & 2;
    assert_true(on_each_entry(go_astray));
    assert_true(on_each_entry(go_astray_and_end));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_callback_on_another_stack_that_is_left_by_longjmp_stalls_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
