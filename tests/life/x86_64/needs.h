/* What docs/callbacks.md says that hits need of a stack, on x86-64. */
#ifndef TESTS_LIFE_NEEDS_H
#define TESTS_LIFE_NEEDS_H

#include <stddef.h>

enum {
  SP_STEP = 1,                        /* stack pointers that instructions may be run with */
  PUSHED_BY_CALL = 8,
  NEED_TO_SIGNAL = 128,               /* the kernel keeps the red zone too */
  NEED_INTEGER = 335,
  NEED_TO_COUNT = 144,
  CLASSES_STAY = 0,                   /* a site once hooked for a larger class needs as much for a smaller one */
  COUNTING_IS_INTEGER = 1             /* counting with a handler that is */
};

/* By the width of vector registers. */
static inline unsigned need_vector(size_t width)
{
  return width == 64 ? 2495 : width == 32 ? 895 : 639;
}

static inline unsigned need_full(size_t width)
{
  return width == 64 ? 3007 : width == 32 ? 1407 : 1151;
}

static const char *const documented[] = {
    "| integer class | 335 | | | |",
    "| vector class | | 639 | 895 | 2,495 |",
    "| full class | | 1,151 | 1,407 | 3,007 |",
};

#endif
