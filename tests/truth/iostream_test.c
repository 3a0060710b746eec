/* A job for C++'s streams: libstdc++, the unwinder, and what of libc and the loader they use. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>
#include "iostream_job.h"
#include "scale.h"
#include "truth.h"

/* libgcc's unwinder is not told of stubs here: once it knows of generated code it takes other ways, and allocates, so the two runs
 * would not be the same. */
void __register_frame_info(const void *rules, void *room)
{
  (void)rules;
  (void)room;
}

static struct library libraries[] = {
    {.name = "libstdc++.so"}, {.name = "libgcc_s.so"}, {.name = "libc.so"}, {.name = "ld-linux"}};
static char path[64];
static unsigned rounds;

static unsigned long job_iostream(void)
{
  return iostream_run(path, rounds);
}

static int start(void **state)
{
  (void)state;
  rounds = getenv("SIGHOOK_LONG") ? SCALE_ROUNDS_LONG : SCALE_ROUNDS;
  snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create("iostream", 0));     /* a file without a name of its own */
  return !truth_start(libraries, sizeof libraries / sizeof *libraries);
}

int main(void)
{
  const struct CMUnitTest tests[] = {TRUTH_TEST(iostream, job_iostream, 0)};

  return cmocka_run_group_tests(tests, start, NULL);
}
