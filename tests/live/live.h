/* What the live tests share: a counting handler, and hooks that must come to be. */
#ifndef TESTS_LIVE_H
#define TESTS_LIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sighook/sighook.h>

static volatile long hits;   /* the compiler takes malloc for a call that reads no variable of ours */
static __attribute__((unused)) int order[8], order_count;

static inline void count(sighook_context *context, void *user)
{
  (void)context;
  __atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
  if (user)
    order[order_count++ & 7] = (int)(intptr_t)user;
}

static inline sighook_spec probe(long (*function)(long), sighook_handler handler, uint32_t flags)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = (uintptr_t)function, .handler = handler, .flags = flags};
}

static inline sighook_hook installed(sighook_spec spec)
{
  sighook_hook hook;

  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  return hook;
}

#endif
