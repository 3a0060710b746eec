/* Near matches by edit distance: insertions, removals, replacements, and neighbours exchanged. */
#include "resolve/near.h"

#include <stdio.h>
#include <string.h>

void near_start(struct near *near, const char *wanted)
{
  near->wanted = wanted;
  near->length = strlen(wanted);
  near->count = 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* The distance of two names of at most NEAR_WANTED characters; `limit` + 1 where it is more than that. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length, unsigned limit)
{
  unsigned rows[3][NEAR_WANTED + 1];

  for (unsigned j = 0; j <= b_length; j++)
    rows[0][j] = j;
  for (unsigned i = 1; i <= a_length; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3], best = i;

    row[0] = i;
    for (unsigned j = 1; j <= b_length; j++) {
      row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = smaller(row[j], second[j - 2] + 1);
      best = smaller(best, row[j]);
    }
    if (best > limit)
      return limit + 1;
  }
  return rows[a_length % 3][b_length];
}

void near_offer(struct near *near, const char *name)
{
  unsigned limit = near->length < 4 ? 1 : near->length < 8 ? 2 : 3, far, place;
  size_t length = strnlen(name, NEAR_NAME);

  if (near->length > NEAR_WANTED || length >= NEAR_NAME || length > near->length + limit ||
      near->length > length + limit)
    return;
  if (near->count == NEAR_MAX)
    limit = smaller(limit, near->distance[NEAR_MAX - 1]);
  far = distance(near->wanted, near->length, name, length, limit);
  if (far > limit || (near->count == NEAR_MAX && far >= near->distance[NEAR_MAX - 1]))
    return;
  for (unsigned i = 0; i < near->count; i++)
    if (strcmp(near->names[i], name) == 0)
      return;
  for (place = near->count < NEAR_MAX ? near->count++ : NEAR_MAX - 1; place > 0 && near->distance[place - 1] > far;
       place--) {
    near->distance[place] = near->distance[place - 1];
    memcpy(near->names[place], near->names[place - 1], NEAR_NAME);
  }
  near->distance[place] = far;
  memcpy(near->names[place], name, length + 1);
}

void near_print(const struct near *near, char *text, size_t size)
{
  size_t at = 0;

  *text = 0;
  for (unsigned i = 0; i < near->count && at < size; i++)
    at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "; near it: ", near->names[i]);
}
