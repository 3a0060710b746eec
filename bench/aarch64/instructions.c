/* Instructions executed a hit, on an emulated machine whose counter ticks once an instruction; each figure beside its bound. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sighook/sighook.h>

typedef long target_function(long);
target_function limit_integer, limit_full, limit_counter, plain_target, integer_target, full_target, counted_target;
void call_in_a_loop(target_function *function, long calls);
extern void (*limit_callback)(void *);

enum { CALLS = 1000 };
#define BOUND 1.3

static bool over;

static void empty_callback(void *frame)
{
  (void)frame;
}

static void empty_handler(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

static uint64_t ticks(void)
{
  uint64_t count;

  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count) : : "memory");
  return count;
}

/* The least of a few runs: the first has cold records and counters, and any may have been interrupted. */
static double instructions_a_call(target_function *function)
{
  uint64_t least = UINT64_MAX;

  for (unsigned i = 0; i < 8; i++) {
    uint64_t start = ticks(), taken;

    call_in_a_loop(function, CALLS);
    taken = ticks() - start;
    least = taken < least ? taken : least;
  }
  return (double)least / CALLS;
}

static void hook(target_function *function, uint32_t flags, sighook_handler handler)
{
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = (uintptr_t)function, .handler = handler};
  sighook_hook made;

  if (sighook_install(&spec, &made) != SIGHOOK_OK)
    exit(1);
}

static void row(const char *what, target_function *hooked, target_function *limit)
{
  double plain = instructions_a_call(plain_target);
  double measured = instructions_a_call(hooked) - plain, least = instructions_a_call(limit) - plain;

  printf("%-4s %-40s %6.2f x (at most %.4g)  %.1f instructions more than a call, limit %.1f\n",
         measured <= BOUND * least ? "ok" : "over", what, measured / least, BOUND, measured, least);
  over |= measured > BOUND * least;
}

int main(void)
{
  limit_callback = empty_callback;
  hook(integer_target, SIGHOOK_INTEGER_ONLY, empty_handler);
  hook(full_target, 0, empty_handler);
  hook(counted_target, SIGHOOK_COUNT, NULL);
  row("hit, integer-only, to the minimum", integer_target, limit_integer);
  row("hit, full, to the minimum", full_target, limit_full);
  row("a counter without a handler", counted_target, limit_counter);
  return over;
}
