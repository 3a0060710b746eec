#include "race.h"

#include <signal.h>
#include <stdio.h>

enum { POISON = 0x5A5A5A5A };

atomic_ulong wrong;
static atomic_bool stop;
static atomic_ulong calls, poisoned;

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

void start(struct caller callers[CALLERS], unsigned first, unsigned end, bool one_blocks)
{
  atomic_store(&stop, false);
  atomic_store(&calls, 0);
  for (unsigned i = 0; i < CALLERS; i++) {
    callers[i] = (struct caller){.first = first, .end = end, .blocks_trap = one_blocks && i == 0};
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_all, &callers[i]), 0);
  }
}

void finish(struct caller callers[CALLERS])
{
  atomic_store(&stop, true);
  for (unsigned i = 0; i < CALLERS; i++)
    pthread_join(callers[i].thread, NULL);
  assert_int_equal(atomic_load(&wrong), 0);
  assert_int_equal(atomic_load(&poisoned), 0);
  assert_true(atomic_load(&calls) > 0);
}

struct looked_at {
  struct looked_at *next;
  volatile uint32_t word;
};

static void look_at(sighook_context *context, void *user)
{
  (void)context;
  if (((struct looked_at *)user)->word == POISON)
    atomic_fetch_add(&poisoned, 1);
}

unsigned cycles(unsigned by_default)
{
  return by_default / RACE_SHARE * (getenv("SIGHOOK_LONG") ? 10 : 1);
}

/* What a handler may still look at is never freed, nor is what is poisoned, which would not be read as such then. It stays in
 * sight of tools that look for leaks. */
static void keep(struct looked_at *user)
{
  static _Atomic(struct looked_at *) kept;

  user->next = atomic_load(&kept);
  while (!atomic_compare_exchange_weak(&kept, &user->next, user))
    ;
}

static void require_ok(sighook_status status)
{
  sighook_error error = {.size = sizeof error};

  if (status != SIGHOOK_OK && sighook_last_error(&error) == SIGHOOK_OK)
    fprintf(stderr, "%s\n", error.message);
  assert_int_equal(status, SIGHOOK_OK);
}

void toggle(const struct target *target, uint32_t flags, bool waits)
{
  struct looked_at *user = calloc(1, sizeof *user);
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = flags,
                       .address = (uintptr_t)target->site,
                       .handler = look_at,
                       .user = user};
  sighook_hook hook;

  require_ok(sighook_install(&spec, &hook));
  if (waits) {
    require_ok(sighook_remove_wait(hook, 10000));
    user->word = POISON;
  } else {
    require_ok(sighook_remove(hook));
  }
  keep(user);
}
