/* sighook_bench: the project's figures, each beside its bound. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

static bool over;

double now_ns(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
  double left = *(const double *)a, right = *(const double *)b;

  return left < right ? -1 : left > right;
}

double median(double *values, unsigned count)
{
  qsort(values, count, sizeof *values, ascending);
  return values[count / 2];
}

static double time_calls(target_function *function, unsigned calls)
{
  double start = now_ns();

  call_in_a_loop(function, calls);
  return (now_ns() - start) / calls;
}

void measure(target_function *const *functions, unsigned count, unsigned calls, double *ns)
{
  double rounds[MEASURED_MAX][ROUNDS];

  for (unsigned round = 0; round < ROUNDS; round++)
    for (unsigned i = 0; i < count; i++)
      rounds[i][round] = time_calls(functions[i], calls);
  for (unsigned i = 0; i < count; i++)
    ns[i] = median(rounds[i], ROUNDS);
}

void row(const char *what, double measured, const char *unit, double bound, const char *detail, ...)
{
  va_list arguments;

  printf("%-4s %-46s %9.2f %-5s (at most %.4g)  ", measured <= bound ? "ok" : "over", what, measured, unit, bound);
  va_start(arguments, detail);
  vprintf(detail, arguments);
  va_end(arguments);
  putchar('\n');
  over |= measured > bound;
}

void figure(const char *what, double measured, const char *unit, const char *detail, ...)
{
  va_list arguments;

  printf("-    %-46s %9.2f %-5s ", what, measured, unit);
  va_start(arguments, detail);
  vprintf(detail, arguments);
  va_end(arguments);
  putchar('\n');
}

bool any_over(void)
{
  return over;
}

void must(sighook_status status, const char *what)
{
  sighook_error error = {.size = sizeof error};

  if (status == SIGHOOK_OK)
    return;
  sighook_last_error(&error);
  fprintf(stderr, "sighook_bench: %s: %s: %s\n", what, sighook_status_name(status), error.message);
  exit(1);
}

void empty_handler(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

sighook_hook hook(target_function *function, sighook_kind kind, uint32_t flags, sighook_handler handler)
{
  sighook_spec spec = {.size = sizeof spec, .kind = kind, .flags = flags, .address = (uintptr_t)function, .handler = handler};
  sighook_hook made;

  must(sighook_install(&spec, &made), "install");
  return made;
}

static void print_machine(void)
{
  struct utsname system;
  char line[256];
  FILE *cpus = fopen("/proc/cpuinfo", "re");

  uname(&system);
  while (cpus && fgets(line, sizeof line, cpus) && strncmp(line, "model name", 10) != 0)
    ;
  printf("%s%s %s; medians of %d rounds in which what is compared takes turns\n\n", cpus ? strchr(line, ':') + 2 : "",
         system.sysname, system.release, ROUNDS);
  if (cpus)
    fclose(cpus);
}

int main(int argc, char **argv)
{
  bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
  char command[4096];
  cpu_set_t last;

  CPU_ZERO(&last);
  CPU_SET((int)sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
  snprintf(command, sizeof command, "%.*s/../tool/sighook", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
  print_machine();
  sched_setaffinity(0, sizeof last, &last);
  bench_hits();
  bench_paths();
  CPU_ZERO(&last);
  for (int i = 0; i < CPU_SETSIZE; i++)
    CPU_SET(i, &last);
  sched_setaffinity(0, sizeof last, &last);
  bench_threads();
  bench_install();
  bench_batch();
  bench_short();
  bench_table();
  bench_command(command);
  return check && any_over();
}
