/* What tests of removals beside callbacks under way share. */
#ifndef TESTS_LIFE_REMOVAL_H
#define TESTS_LIFE_REMOVAL_H

#include "life.h"

#include <string.h>
#include <time.h>
#include "stacks.h"

enum { POISON = 0x5A5A5A5A, WAIT_MS = 300, STALL_MS = 2000 };   /* a busy machine is no stall */

static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP};
static uint32_t entry;                /* the one tried */

static inline uint64_t now_ms(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline bool on_each_entry(void (*work)(void))
{
  bool all = true;

  for (unsigned i = 0; i < sizeof entries / sizeof *entries; i++) {
    entry = entries[i];
    all &= in_child(work);
  }
  return all;
}

static inline void require_in_time(uint64_t began, unsigned more_ms)
{
  REQUIRE(now_ms() - began <= STALL_MS + more_ms);
}

static inline void remove_in_time(sighook_hook hook)
{
  uint64_t began = now_ms();

  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  require_in_time(began, 0);
}

/* Removes the hook; its user's memory may still be in use. */
static inline void require_timeout(sighook_hook hook)
{
  sighook_error error = {.size = sizeof error};
  uint64_t began = now_ms();

  REQUIRE(sighook_remove_wait(hook, WAIT_MS) == SIGHOOK_TIMED_OUT);
  require_in_time(began, WAIT_MS);
  REQUIRE(now_ms() - began >= WAIT_MS - 1);
  REQUIRE(sighook_last_error(&error) == SIGHOOK_OK && strstr(error.message, "still inside a handler"));
  REQUIRE(sighook_remove(hook) == SIGHOOK_NOT_FOUND);
}

static __attribute__((noinline, unused)) long another(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

/* Whoever was inside when it begins is not any more: waiting for one hook is waiting for all. */
static inline void require_nobody_inside(void)
{
  sighook_hook hook = must_install(spec_for(another, returns_at_once, 0));

  REQUIRE(sighook_remove_wait(hook, 10000) == SIGHOOK_OK);
}

static inline void require_somebody_inside(void)
{
  require_timeout(must_install(spec_for(another, returns_at_once, 0)));
}

static inline void *hit(void *data)
{
  REQUIRE(touches_nothing(1) == 2);
  return data;
}

static inline sighook_hook install_looking(uint32_t *user, sighook_handler handler, uint32_t flags)
{
  sighook_spec spec = spec_for(touches_nothing, handler, entry | flags);

  spec.user = user;
  return must_install(spec);
}

#endif
