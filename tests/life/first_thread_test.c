/* A process whose first thread has ended, so that its files in /proc show no memory: hooks come and go as before. */
#define _GNU_SOURCE
#include "removal.h"

#include <pthread.h>
#include <time.h>

static const uint32_t saved[] = {0, SIGHOOK_INTEGER_ONLY};

static void count(sighook_context *context, void *user)
{
  (void)context;
  ++*(unsigned *)user;
}

static long replaces(long value)
{
  return value + 100;
}

static void probe_comes_and_goes(uint32_t flags)
{
  uint8_t before[16];
  unsigned hits = 0;
  sighook_spec spec = spec_for(touches_nothing, count, entry | flags);
  sighook_hook hook;

  memcpy(before, (const void *)(uintptr_t)touches_nothing, sizeof before);
  spec.user = &hits;
  hook = must_install(spec);
  REQUIRE((must_query(hook).entry == SIGHOOK_ENTRY_TRAP) == (entry != 0));
  for (long i = 0; i < 10; i++)
    REQUIRE(touches_nothing(i) == i + 1);
  REQUIRE(hits == 10 && sighook_remove_wait(hook, 10000) == SIGHOOK_OK);
  REQUIRE(touches_nothing(1) == 2 && hits == 10);
  REQUIRE(memcmp(before, (const void *)(uintptr_t)touches_nothing, sizeof before) == 0);
}

static void replacement_comes_and_goes(void)
{
  long (*original)(long);
  uintptr_t function = (uintptr_t)touches_nothing_either;

  REQUIRE(sighook_inline_hook(function, (const void *)(uintptr_t)replaces, (void **)&original, NULL) == SIGHOOK_OK);
  REQUIRE(touches_nothing_either(1) == 101 && original(1) == 2);
  REQUIRE(sighook_unhook(function) == SIGHOOK_OK && touches_nothing_either(1) == 2);
}

static bool first_has_ended(void)
{
  char text[512] = "";
  FILE *file = fopen("/proc/self/stat", "r");
  char *name_end;

  REQUIRE(file && fgets(text, sizeof text, file));
  fclose(file);
  name_end = strrchr(text, ')');
  return name_end && name_end[2] == 'Z';
}

static void *work_alone(void *nothing)
{
  uintptr_t address;

  while (!first_has_ended())
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  for (unsigned i = 0; i < 50; i++) {
    probe_comes_and_goes(saved[i % 2]);
    replacement_comes_and_goes();
  }
  REQUIRE(sighook_resolve("no_such_name_anywhere", &address) == SIGHOOK_NOT_FOUND);
  _exit(0);
  return nothing;
}

static void leave_to_another(void)
{
  pthread_t other;

  REQUIRE(pthread_create(&other, NULL, work_alone, NULL) == 0);
  pthread_exit(NULL);
}

static void hooks_come_and_go_without_the_first_thread(void **state)
{
  (void)state;
  assert_true(on_each_entry(leave_to_another));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(hooks_come_and_go_without_the_first_thread)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
