/* Whether hits of two threads are twice those of one. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>
#include "bench.h"

enum { CALLS = 2000000, THREADS = 2, TURNS = 9 };

target_function full_target, counted_target;

struct caller {
  pthread_t thread;
  target_function *function;
  int cpu;
};

static atomic_uint waiting;

static void *call(void *data)
{
  const struct caller *caller = data;
  cpu_set_t own;

  CPU_ZERO(&own);
  CPU_SET(caller->cpu, &own);
  sched_setaffinity(0, sizeof own, &own);
  caller->function(1);                /* the thread's record */
  atomic_fetch_sub(&waiting, 1);
  while (atomic_load(&waiting))
    ;
  call_in_a_loop(caller->function, CALLS);
  return NULL;
}

/* Hits a microsecond of so many threads together. */
static double throughput(target_function *function, unsigned threads)
{
  struct caller callers[THREADS];
  double start;

  atomic_store(&waiting, threads);
  start = now_ns();
  for (unsigned i = 0; i < threads; i++) {
    callers[i] = (struct caller){.function = function, .cpu = (int)i};
    pthread_create(&callers[i].thread, NULL, call, &callers[i]);
  }
  for (unsigned i = 0; i < threads; i++)
    pthread_join(callers[i].thread, NULL);
  return 1e3 * CALLS * threads / (now_ns() - start);
}

static void bench_site(const char *what, target_function *function)
{
  double one[TURNS], two[TURNS];

  for (unsigned i = 0; i < TURNS; i++) {
    one[i] = throughput(function, 1);
    two[i] = throughput(function, THREADS);
  }
  figure(what, median(two, TURNS) / median(one, TURNS), "x", "%.0f and %.0f hits a microsecond", median(two, TURNS),
         median(one, TURNS));
}

/* After bench_hits, which hooked them. */
void bench_threads(void)
{
  if (sysconf(_SC_NPROCESSORS_ONLN) < THREADS)
    return;
  bench_site("one site hit by two threads, to one thread", full_target);
  bench_site("the same, counted", counted_target);
}
