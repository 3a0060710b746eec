/* What of the processor an instruction takes: not told apart here. */
#ifndef TESTS_TRUTH_LEVEL_H
#define TESTS_TRUTH_LEVEL_H

#include <stdint.h>

static inline int level_of(uintptr_t address)
{
  (void)address;
  return 0;
}

static inline int level_of_processor(void)
{
  return 0;
}

#endif
