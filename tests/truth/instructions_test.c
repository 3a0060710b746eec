/* Jobs for libc, zlib and libcrypto: those whose names are given, or all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "jobs.h"
#include "level.h"
#include "places.h"
#include "scale.h"
#include "truth.h"

enum { LIBC, ZLIB, CRYPTO, LIBRARIES };
static struct library libraries[LIBRARIES] = {{.name = "libc.so"}, {.name = "libz.so"}, {.name = "libcrypto.so"}};

static int level_of_library(unsigned library)
{
  int highest = 0;

  for (unsigned i = 0; i < place_count; i++) {
    const struct place *place = &places[i];

    if (place->arrivals && places_library(place->address) == &libraries[library] && level_of(place->address) > highest)
      highest = level_of(place->address);
  }
  return highest;
}

/* The same, of the code that libcrypto was told to take, by a variable of its own. */
static void at_its_level(void **state)
{
  const char *told = getenv("SIGHOOK_LEVEL");
  int wanted = told ? (int)strtol(told, NULL, 10) : level_of_processor();

  if (wanted > level_of_processor())
    skip();
  every_instruction_is_hit_as_often_as_it_is_come_to(state);
  print_message("instructions of level %d in libcrypto, %d in libc; this processor has %d\n", level_of_library(CRYPTO),
                level_of_library(LIBC), level_of_processor());
  assert_int_equal(level_of_library(CRYPTO), wanted);
}

static const struct CMUnitTest jobs[] = {
    TRUTH_TEST(expand, job_expand, JOB_TRAPPED),
    TRUTH_TEST(text, job_text, 0),
    TRUTH_TEST(memory, job_memory, 0),
    {"digest", at_its_level, NULL, NULL, &(struct job){job_digest, 0}},
    {"cipher", at_its_level, NULL, NULL, &(struct job){job_cipher, 0}},
    TRUTH_TEST(strings, job_strings, 0),
    TRUTH_TEST(regex, job_regex, 0),
    TRUTH_TEST(compress, job_compress, 0),
};
enum { JOBS = sizeof jobs / sizeof *jobs, LONG_JOBS = 3 };

/* The last ones wait for SIGHOOK_LONG where steps are slow. */
static bool is_wanted(unsigned job, int count, char **names)
{
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], jobs[job].name) == 0)
      return true;
  return count == 0 && (job < JOBS - LONG_JOBS || !SCALE_SLOW || getenv("SIGHOOK_LONG"));
}

static int start(void **state)
{
  bool everything = getenv("SIGHOOK_LONG") != NULL;

  (void)state;
  return !jobs_start(everything ? SCALE_ROUNDS_LONG : SCALE_ROUNDS, SCALE_SLOW && !everything) ||
         !truth_start(libraries, LIBRARIES);
}

int main(int argc, char **argv)
{
  struct CMUnitTest tests[JOBS];
  size_t count = 0;

  for (unsigned i = 0; i < JOBS; i++)
    if (is_wanted(i, argc - 1, argv + 1))
      tests[count++] = jobs[i];
  return _cmocka_run_group_tests("jobs", tests, count, start, NULL);
}
