#include "registers.h"

#include <stdio.h>
#include <string.h>

_Static_assert(offsetof(struct registers, flags) == 128 && offsetof(struct registers, xmm) == 136, "registers.S");

enum { START = STACK_SLOTS - STACK_ABOVE - 1,       /* the slot of the way back, as behind a call */
       STACK_BELOW = 2 * RED_ZONE / 8 };            /* so much of what lies below it is looked at */
_Static_assert(START % 2 == 1, "a called function's stack pointer is no multiple of 16");

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static uint64_t number(uint64_t *state)
{
  uint64_t value = next(state), kind = next(state) % 8;

  return kind < 2 ? value % 4 : kind == 2 ? value % 256 : kind == 3 ? -(value % 256) : kind == 4 ? value >> 33 : value;
}

void image_fill(struct image *image, uint64_t seed)
{
  uint64_t state = seed;

  for (unsigned i = 0; i < GENERAL; i++)
    image->registers.general[i] = number(&state);
  image->registers.flags = (next(&state) & FLAGS_SEEN) | 2;
  for (unsigned i = 0; i < VECTORS; i++)
    for (unsigned half = 0; half < 2; half++) {
      uint64_t value = next(&state);

      memcpy(&image->registers.xmm[i][8 * half], &value, sizeof value);
    }
  for (unsigned i = START - STACK_BELOW; i < STACK_SLOTS; i++)
    image->stack[i] = i < START ? next(&state) : (uintptr_t)registers_back;
}

void image_run(struct image *image, uintptr_t address)
{
  image->registers.general[RSP] = (uintptr_t)&image->stack[START];
  registers_run(&image->registers, address);
  image->registers.general[RSP] -= (uintptr_t)&image->stack[START];
  image->registers.flags &= FLAGS_SEEN;
}

static bool same(uint64_t seen, uint64_t expected, const char *name, unsigned index, const char *what)
{
  if (seen == expected)
    return true;
  if (what)
    fprintf(stderr, "%s: %s %u is %#lx, expected %#lx\n", what, name, index, (unsigned long)seen, (unsigned long)expected);
  return false;
}

bool image_same(const struct image *seen, const struct image *expected, int which, unsigned depth, const char *what)
{
  bool all = true;

  for (unsigned i = 0; i < GENERAL; i++)
    if (which & 1 << i)
      all &= same(seen->registers.general[i], expected->registers.general[i], "register", i, what);
  for (unsigned i = START - depth / 8; i < STACK_SLOTS; i++)
    if (seen->stack[i] != expected->stack[i])
      all &= same(seen->stack[i], expected->stack[i], "stack slot", i, what);
  if (which != EVERYTHING)
    return all;
  all &= same(seen->registers.flags, expected->registers.flags, "flags", 0, what);
  for (unsigned i = 0; i < VECTORS; i++)
    if (memcmp(seen->registers.xmm[i], expected->registers.xmm[i], sizeof seen->registers.xmm[i]) != 0)
      all = same(1, 0, "difference of xmm", i, what);
  return all;
}
