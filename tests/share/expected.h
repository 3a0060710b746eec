/* Parts of the messages with which instructions of real code may be refused or trapped. One table a machine. */
#ifndef TESTS_SHARE_EXPECTED_H
#define TESTS_SHARE_EXPECTED_H

#include <string.h>
#include "expected_table.h"

/* The number of the part that `text` has, or -1. */
static inline int expected_index(const char *text, const char *const *expected, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    if (strstr(text, expected[i]))
      return (int)i;
  return -1;
}

#endif
