/* Everything at once for a while, by chance: threads that run hooked code in each way that control can go, threads that change the
 * hooks, timers, faults, children. Each result is right; at the end the code is what it was, and nothing has been used up. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "chance.h"
#include "codemem/arena.h"
#include "codemem/landing.h"
#include "soak.h"

enum { RUNNERS = SOAK_RUNNERS, CHANGERS = 2, OWN_SHARE = 8, SECONDS = 8, SECONDS_LONG = 600, WARM_SHARE = 3, CODE = 32,
       MORE_MAPPINGS = 64, MORE_PAGES = 2048, MORE_STUBS = 1 << 16 };

static struct counted {
  unsigned mappings, files;
  unsigned long pages;
  size_t stubs, landing;
} before, after;

static uint64_t seed;
static bool over;
static unsigned long steps;

void soak_fail(const char *file, int line, const char *condition)
{
  sighook_error error = {.size = sizeof error};

  if (sighook_last_error(&error) == SIGHOOK_OK)
    fprintf(stderr, "the last refusal: %s\n", error.message);
  fprintf(stderr, "%s:%d: %s, SIGHOOK_SEED=%lu\n", file, line, condition, (unsigned long)seed);
  abort();
}

bool soak_is_over(void)
{
  return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

static unsigned count_lines(const char *path)
{
  FILE *file = fopen(path, "re");
  unsigned lines = 0;
  int c;

  while (file && (c = getc(file)) != EOF)
    lines += c == '\n';
  if (file)
    fclose(file);
  return lines;
}

static unsigned count_files(void)
{
  DIR *folder = opendir("/proc/self/fd");
  unsigned files = 0;

  while (folder && readdir(folder))
    files++;
  if (folder)
    closedir(folder);
  return files;
}

static struct counted count_all(void)
{
  struct counted counted = {.mappings = count_lines("/proc/self/maps"), .files = count_files()};
  FILE *file = fopen("/proc/self/statm", "re");
  unsigned long size;

  if (file && fscanf(file, "%lu %lu", &size, &counted.pages) != 2)
    counted.pages = 0;
  if (file)
    fclose(file);
  counted.stubs = arena_memory();
  counted.landing = landing_page_count();
  return counted;
}

static void *run_soak(void *which)
{
  uint64_t chance = seed + 2 * (uint64_t)(uintptr_t)which;
  struct own *own = soak_new_own((unsigned)(uintptr_t)which);

  while (!soak_is_over()) {
    soak_run(&chance);
    if (random_next(&chance) % OWN_SHARE == 0)
      soak_run_own(own, &chance);
    __atomic_fetch_add(&steps, 1, __ATOMIC_RELAXED);
  }
  soak_end_own(own, &chance);
  return NULL;
}

static void *change_soak(void *which)
{
  uint64_t chance = seed + 2 * (uint64_t)(uintptr_t)which;
  struct changer *changer = soak_new_changer();

  while (!soak_is_over())
    soak_change(changer, &chance);
  soak_stop_changing(changer);
  return NULL;
}

static void rest(unsigned seconds)
{
  struct timespec end;

  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += seconds;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) != 0)
    ;
}

static void soak_for(unsigned seconds)
{
  pthread_t threads[RUNNERS + CHANGERS];

  __atomic_store_n(&over, false, __ATOMIC_RELAXED);
  for (uintptr_t i = 0; i < RUNNERS + CHANGERS; i++)
    SOAK_REQUIRE(pthread_create(&threads[i], NULL, i < RUNNERS ? run_soak : change_soak, (void *)i) == 0);
  rest(seconds);
  __atomic_store_n(&over, true, __ATOMIC_RELAXED);
  for (unsigned i = 0; i < RUNNERS + CHANGERS; i++)
    pthread_join(threads[i], NULL);
}

static void everything_at_once_goes_well_and_uses_nothing_up(void **state)
{
  const struct itimerval never = {{0, 0}, {0, 0}};
  unsigned seconds = getenv("SIGHOOK_LONG") ? SECONDS_LONG : SECONDS;
  uint8_t code[SOAK_TARGETS][CODE];
  unsigned long waits, in_vain;

  (void)state;
  seed = random_seed();
  fflush(stdout);
  for (unsigned i = 0; i < SOAK_TARGETS; i++)
    memcpy(code[i], (const void *)(uintptr_t)soak_targets[i], CODE);
  soak_start_signals();
  soak_for(1 + seconds / WARM_SHARE);
  before = count_all();
  soak_for(seconds - seconds / WARM_SHARE);
  after = count_all();
  setitimer(ITIMER_REAL, &never, NULL);
  setitimer(ITIMER_PROF, &never, NULL);
  print_message("%lu steps, %lu changes, %lu signals\n", steps, soak_changes(), soak_signals());
  print_message("mappings %u, before %u; descriptors %u, %u; resident pages %lu, %lu; bytes of stubs %zu, %zu; landing pages %zu, "
                "%zu\n", after.mappings, before.mappings, after.files, before.files, after.pages, before.pages, after.stubs,
                before.stubs, after.landing, before.landing);
  waits = soak_waits(&in_vain);
  print_message("%lu removals waited for, %lu in vain; %lu hits of those who change\n", waits, in_vain, soak_hits_of_changers());
  assert_true(waits > in_vain && soak_hits_of_changers() > 0);
  assert_true(steps > seconds && soak_changes() > seconds && soak_signals() > seconds);
  for (unsigned i = 0; i < SOAK_TARGETS; i++)
    assert_memory_equal(code[i], (const void *)(uintptr_t)soak_targets[i], CODE);
  assert_int_equal(after.files, before.files);
  assert_true(after.mappings <= before.mappings + MORE_MAPPINGS);
  assert_true(EMULATED || after.pages <= before.pages + MORE_PAGES);   /* an emulator's translations are pages too */
  assert_true(after.stubs <= before.stubs + MORE_STUBS && after.landing <= before.landing + MORE_MAPPINGS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_once_goes_well_and_uses_nothing_up)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
