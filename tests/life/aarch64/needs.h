/* What docs/callbacks.md says that hits need of a stack, on AArch64. */
#ifndef TESTS_LIFE_NEEDS_H
#define TESTS_LIFE_NEEDS_H

#include <stddef.h>

enum {
  SP_STEP = 16,                       /* stack pointers that instructions may be run with */
  PUSHED_BY_CALL = 0,
  NEED_TO_SIGNAL = 0,
  NEED_INTEGER = 336,
  NEED_TO_COUNT = 16,
  CLASSES_STAY = 1,                   /* a site once hooked for a larger class needs as much for a smaller one */
  COUNTING_IS_INTEGER = 0             /* counting with a handler is of the vector class */
};

/* By the width of vector registers: SVE where they can be longer. */
static inline unsigned need_vector(size_t width)
{
  return width == 16 ? 848 : 384 + 35 * (unsigned)width;
}

static inline unsigned need_full(size_t width)
{
  return need_vector(width);
}

static const char *const documented[] = {"336 in the integer class, 848 in the vector class", "384 more than 35 vector lengths"};

#endif
