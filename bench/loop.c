/* Five million calls; prints nanoseconds a call. */
#include <stdio.h>
#include <time.h>

enum { CALLS = 5000000 };

long loop_body(long value);
__attribute__((noinline)) long loop_body(long value)
{
  __asm__ volatile("");
  return value * 3 + 1;
}

int main(void)
{
  struct timespec start, end;
  long sum = 0;

  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < CALLS; i++)
    sum += loop_body(i);
  __asm__ volatile("" : : "r"(sum));
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.3f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / CALLS);
  return 0;
}
