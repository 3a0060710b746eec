/* Hits of each kind on stacks that have so much left. */
#ifndef TESTS_LIFE_KINDS_H
#define TESTS_LIFE_KINDS_H

#include "more.h"

#include <string.h>
#include <sys/mman.h>

enum { STACK = 128 * 1024, CANARY = 0xC5 };
static const unsigned lefts[] = {2048, 4096, 8192};
enum { LEFTS = sizeof lefts / sizeof *lefts };

static size_t page, width;
static uint8_t *stack;                /* its lowest byte; a guard page is below */

static inline uint8_t *new_stack(void)
{
  uint8_t *memory = mmap(NULL, page + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  REQUIRE(memory != MAP_FAILED && mprotect(memory, page, PROT_NONE) == 0);
  return memory + page;
}

/* The stack pointer of a call whose first instruction has so much left. */
static inline uint8_t *with_left(size_t bytes)
{
  return stack + (bytes + PUSHED_BY_CALL + 15) / 16 * 16;
}

struct kind {
  uint32_t flags;
  sighook_handler handler;
  unsigned need;
};
enum { KINDS = 4 };

static inline struct kind kind_of(unsigned number)
{
  const struct kind kinds[KINDS] = {
      {SIGHOOK_INTEGER_ONLY, returns_at_once, NEED_INTEGER},
      {0, returns_at_once, need_vector(width)},
      {SIGHOOK_SAVE_X87, returns_at_once, need_full(width)},
      {SIGHOOK_COUNT, NULL, NEED_TO_COUNT},
  };

  return kinds[number];
}

/* The thread's record and counters come with its first hit, and captures of all classes do their part. */
static inline void begin(void)
{
  page = (size_t)sysconf(_SC_PAGESIZE);
  width = vector_width();
  stack = new_stack();
}

static inline void require_canaries(const uint8_t *at, size_t size)
{
  for (size_t i = 0; i < size; i++)
    REQUIRE(at[i] == CANARY);
}

static inline sighook_hook install_and_hit(const struct kind *kind, uint32_t flags)
{
  sighook_hook hook = must_install(spec_for(touches_nothing, kind->handler, kind->flags | flags));

  REQUIRE(touches_nothing(1) == 2);
  return hook;
}

#endif
