#include "chance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t random_next(uint64_t *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545F4914F6CDD1D) >> 8;
}

uint64_t random_seed(void)
{
  const char *wanted = getenv("SIGHOOK_SEED");
  struct timespec now;
  uint64_t seed;

  clock_gettime(CLOCK_REALTIME, &now);
  seed = wanted ? strtoull(wanted, NULL, 0) : (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20;
  printf("SIGHOOK_SEED=%lu\n", (unsigned long)(seed | 1));
  return seed | 1;
}

void shuffle(void *items, size_t count, size_t size, uint64_t *state)
{
  uint8_t kept[64], *bytes = items;

  for (size_t i = count; i > 1; i--) {
    size_t other = random_next(state) % i;

    memcpy(kept, bytes + (i - 1) * size, size);
    memcpy(bytes + (i - 1) * size, bytes + other * size, size);
    memcpy(bytes + other * size, kept, size);
  }
}
