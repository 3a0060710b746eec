/* A library that is loaded late: storage of its own, and calls that are bound at the first one. */
#include <stdlib.h>
#include <string.h>

static __thread long many[512] = {3};
__thread long late_own = 4;

long late_helper(long value);

__attribute__((noinline)) long late_helper(long value)
{
  return value + many[value % 512] + late_own;
}

long late_sum(long value)
{
  char *copy = strdup("12");
  long sum;

  many[value % 512] += 1;
  late_own += value;
  sum = late_helper(value) + strtol(copy, NULL, 10);
  free(copy);
  return sum;
}
