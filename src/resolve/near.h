/* Names that a caller may have meant. */
#ifndef RESOLVE_NEAR_H
#define RESOLVE_NEAR_H

#include <stddef.h>

enum {
  NEAR_MAX = 3,
  NEAR_NAME = 48,
  NEAR_WANTED = 64
};

struct near {
  const char *wanted;
  size_t length;
  unsigned count, distance[NEAR_MAX];
  char names[NEAR_MAX][NEAR_NAME];
};

void near_start(struct near *near, const char *wanted);

/* Keeps `name` if it is among the nearest so far. */
void near_offer(struct near *near, const char *name);

/* "; near it: malloc, calloc", or "". */
void near_print(const struct near *near, char *text, size_t size);

#endif
