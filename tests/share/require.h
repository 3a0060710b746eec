/* What must be so where no test framework is. */
#ifndef TESTS_SHARE_REQUIRE_H
#define TESTS_SHARE_REQUIRE_H

#include <stdio.h>
#include <unistd.h>

/* In a child, where cmocka's ways do not lead out. */
#define REQUIRE(condition)                                                      \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);           \
      _exit(1);                                                                 \
    }                                                                           \
  } while (0)

#endif
