/* Threads call functions while these are hooked and unhooked: every result must be right, on sites changed by one store and
 * on sites changed in three phases, with SIGTRAP blocked in one of the threads for the former. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <sighook/sighook.h>

long inside_line(long), across_lines(long), short_inside(long), short_across(long);
extern const uint8_t inside_site[], across_site[], short_inside_site[], short_across_site[];

/* Sites of five and three bytes, wholly inside a 64-byte line or across two. */
__asm__(".text\n\t.p2align 6\n"
        "inside_line:\n inside_site: lea 0x11223344(%rdi), %rax\n ret\n\t.p2align 6\n\t.skip 61, 0x90\n"
        "across_lines:\n across_site: lea 0x11223344(%rdi), %rax\n ret\n\t.p2align 6\n"
        "short_inside:\n short_inside_site: mov %rdi, %rax\n add $7, %rax\n ret\n\t.p2align 6\n\t.skip 62, 0x90\n"
        "short_across:\n short_across_site: mov %rdi, %rax\n add $7, %rax\n ret\n\t.p2align 6\n");

enum { CALLERS = 4, POISON = 0x5A5A5A5A };

static const struct target {
  long (*function)(long);
  const uint8_t *site;
  long added;
} targets[] = {{inside_line, inside_site, 0x11223344},
               {short_inside, short_inside_site, 7},
               {across_lines, across_site, 0x11223344},
               {short_across, short_across_site, 7}};

struct caller {
  pthread_t thread;
  unsigned first, end;                /* the targets that it calls */
  bool blocks_trap;
};

static atomic_bool stop;
static atomic_ulong calls, wrong, poisoned;

static void *call_all(void *data)
{
  const struct caller *caller = data;
  sigset_t mask;

  sigemptyset(&mask);
  sigaddset(&mask, SIGTRAP);
  if (caller->blocks_trap)
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    for (long i = 0; i < 200; i++)
      for (unsigned t = caller->first; t < caller->end; t++)
        if (targets[t].function(i) != i + targets[t].added)
          atomic_fetch_add(&wrong, 1);
    atomic_fetch_add_explicit(&calls, 200 * (caller->end - caller->first), memory_order_relaxed);
  }
  return NULL;
}

static void start(struct caller *callers, unsigned first, unsigned end, bool one_blocks)
{
  atomic_store(&stop, false);
  atomic_store(&calls, 0);
  for (unsigned i = 0; i < CALLERS; i++) {
    callers[i] = (struct caller){.first = first, .end = end, .blocks_trap = one_blocks && i == 0};
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_all, &callers[i]), 0);
  }
}

static void finish(struct caller *callers)
{
  atomic_store(&stop, true);
  for (unsigned i = 0; i < CALLERS; i++)
    pthread_join(callers[i].thread, NULL);
  assert_int_equal(atomic_load(&wrong), 0);
  assert_int_equal(atomic_load(&poisoned), 0);
  assert_true(atomic_load(&calls) > 0);
}

static void look_at(sighook_context *context, void *user)
{
  (void)context;
  if (*(volatile uint32_t *)user == POISON)
    atomic_fetch_add(&poisoned, 1);
}

static unsigned cycles(unsigned by_default)
{
  return getenv("SIGHOOK_LONG") ? by_default * 10 : by_default;
}

static void toggle(const struct target *target, uint32_t flags, bool waits)
{
  uint32_t *user = calloc(1, sizeof *user);
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = flags,
                       .address = (uintptr_t)target->site,
                       .handler = look_at,
                       .user = user};
  sighook_hook hook;

  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  if (!waits) {
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    return;                            /* a handler may still look at it: left to leak */
  }
  assert_int_equal(sighook_remove_wait(hook, 10000), SIGHOOK_OK);
  *user = POISON;
  free(user);
}

static void single_store_sites_are_toggled_under_threads_that_block_sigtrap(void **state)
{
  struct caller callers[CALLERS];

  (void)state;
  start(callers, 0, 2, true);
  for (unsigned i = 0; i < cycles(40000); i++)
    toggle(&targets[i & 1], 0, i % 8 == 0);
  finish(callers);
}

static void three_phase_sites_are_toggled_under_threads(void **state)
{
  struct caller callers[CALLERS];

  (void)state;
  start(callers, 2, 4, false);
  for (unsigned i = 0; i < cycles(40000); i++)
    toggle(&targets[2 + (i & 1)], 0, i % 8 == 0);
  finish(callers);
}

static void trap_entries_are_toggled_under_threads(void **state)
{
  struct caller callers[CALLERS];

  (void)state;
  start(callers, 0, 4, false);
  for (unsigned i = 0; i < cycles(10000); i++)
    toggle(&targets[i & 3], SIGHOOK_FORCE_TRAP, i % 8 == 0);
  finish(callers);
}

static void *toggle_one(void *data)
{
  for (unsigned i = 0; i < cycles(2500); i++)
    toggle(data, 0, i % 16 == 0);
  return NULL;
}

static void several_threads_install_on_sites_of_their_own(void **state)
{
  struct caller callers[CALLERS];
  pthread_t installers[4];

  (void)state;
  start(callers, 0, 4, false);
  for (unsigned i = 0; i < 4; i++)
    pthread_create(&installers[i], NULL, toggle_one, (void *)&targets[i]);
  for (unsigned i = 0; i < 4; i++)
    pthread_join(installers[i], NULL);
  finish(callers);
}

static void *call_once(void *data)
{
  (void)data;
  for (unsigned t = 0; t < 4; t++)
    if (targets[t].function(1) != 1 + targets[t].added)
      atomic_fetch_add(&wrong, 1);
  return NULL;
}

static void many_short_lived_threads_hit_a_counted_site(void **state)
{
  enum { THREADS = 2000 };
  sighook_info info = {.size = sizeof info};
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_COUNT, .address = (uintptr_t)inside_site};
  sighook_hook hook;

  (void)state;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, call_once, NULL), 0);
    pthread_join(thread, NULL);
  }
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.hits, THREADS);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(atomic_load(&wrong), 0);
}

static atomic_bool inside, let_go;

static void stay(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  atomic_store(&inside, true);
  while (!atomic_load(&let_go))
    usleep(1000);
}

static void *call_inside_line(void *data)
{
  inside_line(1);
  return data;
}

static void remove_wait_times_out_while_a_thread_is_inside(void **state)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = stay, .address = (uintptr_t)inside_site};
  sighook_hook hook;
  pthread_t thread;

  (void)state;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  pthread_create(&thread, NULL, call_inside_line, NULL);
  while (!atomic_load(&inside))
    usleep(1000);
  assert_int_equal(sighook_remove_wait(hook, 50), SIGHOOK_TIMED_OUT);
  atomic_store(&let_go, true);
  pthread_join(thread, NULL);
  assert_int_equal(inside_line(1), 1 + 0x11223344);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_store_sites_are_toggled_under_threads_that_block_sigtrap),
      cmocka_unit_test(three_phase_sites_are_toggled_under_threads),
      cmocka_unit_test(trap_entries_are_toggled_under_threads),
      cmocka_unit_test(several_threads_install_on_sites_of_their_own),
      cmocka_unit_test(many_short_lived_threads_hit_a_counted_site),
      cmocka_unit_test(remove_wait_times_out_while_a_thread_is_inside),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
