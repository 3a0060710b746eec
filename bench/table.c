/* The site table at a million sites, and the command on a loop. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"
#include "table/table.h"

enum { KEYS = 1000000 };

void bench_table(void)
{
  static char sites[16];
  uintptr_t *keys = malloc(KEYS * sizeof *keys);
  double rounds[9];
  uint64_t seed = 88172645463325252u;

  table_reserve(KEYS);
  for (unsigned i = 0; i < KEYS; i++) {
    keys[i] = UINT64_C(0x7f0000000000) + (uintptr_t)i * 37;
    table_put(keys[i], (struct site *)(void *)sites, 0);
  }
  for (unsigned i = KEYS - 1; i > 0; i--) {
    uintptr_t swapped = keys[i];

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    keys[i] = keys[seed % (i + 1)];
    keys[seed % (i + 1)] = swapped;
  }
  for (unsigned round = 0; round < 9; round++) {
    double start = now_ns();
    unsigned found = 0;

    for (unsigned i = 0; i < KEYS; i++)
      found += table_find(keys[i]).site != NULL;
    rounds[round] = found == KEYS ? (now_ns() - start) / KEYS : 1e9;
  }
  row("lookup at 1,000,000 sites, random keys", median(rounds, 9), "ns", 35, "%s", "one after the other, in shuffled order");
  free(keys);
}

static double loop_ns(const char *command)
{
  FILE *output = popen(command, "re");
  double ns = -1;

  if (output && fscanf(output, "%lf", &ns) != 1)
    ns = -1;
  if (output)
    pclose(output);
  return ns;
}

void bench_command(const char *sighook)
{
  char plain[4200], counted[9000], own[4096];
  double without[9], with[9];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

  if (length <= 0 || access(sighook, X_OK) != 0) {
    printf("     sighook count on a loop: %s is not built\n", sighook);
    return;
  }
  own[length] = 0;
  *strrchr(own, '/') = 0;
  snprintf(plain, sizeof plain, "%s/sighook_bench_loop", own);
  snprintf(counted, sizeof counted, "%s count -q -o /dev/null -e loop_body -- %s", sighook, plain);
  for (unsigned i = 0; i < 9; i++) {
    without[i] = loop_ns(plain);
    with[i] = loop_ns(counted);
  }
  row("sighook count on a loop of 5 million calls", median(with, 9) - median(without, 9), "ns", 5, "%.2f ns a call, plain %.2f",
      median(with, 9), median(without, 9));
}
