/* A library goes with its hooks, and the same or another build of it comes to lie where it lay. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <fcntl.h>
#include "child.h"
#include "page.h"

enum way { NEW_BUILD, SAME_BUILD, MAPPED_OVER, WAYS };
enum { SAVED = 32 };

static enum way way;
static const char *const names[] = {"long_same", "short_same", "long_other", "short_other"};
enum { NAMES = sizeof names / sizeof *names };

/* ---- the library ---- */

static void *library;
static uint8_t *functions[NAMES];

static void load(const char *path)
{
  library = dlopen(path, RTLD_NOW);
  REQUIRE(library);
}

/* The mapping of the address: what of its file lies where. */
static void find_mapping(uintptr_t address, unsigned long *start, unsigned long *end, unsigned long *offset)
{
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[512];
  bool found = false;

  while (!found && fgets(line, sizeof line, maps))
    found = sscanf(line, "%lx-%lx %*s %lx", start, end, offset) == 3 && address >= *start && address < *end;
  fclose(maps);
  REQUIRE(found);
}

/* Where the loader does not put it at the same place by itself, that is done for it. */
static void change_library(void)
{
  const char *path = way == SAME_BUILD ? FIRST_LIBRARY : SECOND_LIBRARY;
  unsigned long start, end, offset;
  int file = open(path, O_RDONLY | O_CLOEXEC);

  find_mapping((uintptr_t)functions[0], &start, &end, &offset);
  if (way != MAPPED_OVER) {
    REQUIRE(dlclose(library) == 0);
    load(path);
  }
  if (way == MAPPED_OVER || dlsym(library, names[0]) != functions[0])
    REQUIRE(mmap((void *)start, end - start, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, (off_t)offset) ==
            (void *)start);
  close(file);
}

/* ---- the row ---- */

static uint32_t flags;

/* What is done there before the old hook is removed: refused, or right. */
static void install_beside(const uint8_t *function, long result)
{
  sighook_hook hook;
  uint8_t before[SAVED];
  sighook_status status;

  memcpy(before, function, SAVED);
  status = page_install(function, flags, &hook);
  REQUIRE(status == SIGHOOK_OK || status == SIGHOOK_CONFLICT || status == SIGHOOK_NOT_FOUND);
  page_require(function, result, !status);
  REQUIRE(status || sighook_remove(hook) == SIGHOOK_OK);
  REQUIRE(memcmp(function, before, SAVED) == 0);
}

static void check_function(const uint8_t *function, sighook_hook old, long result)
{
  uint8_t before[SAVED];
  sighook_hook hook;

  memcpy(before, function, SAVED);
  page_require(function, result, 0);
  REQUIRE(page_entry(old) == SIGHOOK_ENTRY_NONE);
  install_beside(function, result);
  REQUIRE(sighook_remove(old) == SIGHOOK_OK && memcmp(function, before, SAVED) == 0);
  page_require(function, result, 0);
  REQUIRE(page_install(function, flags, &hook) == SIGHOOK_OK);
  page_require(function, result, 1);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK && memcmp(function, before, SAVED) == 0);
  page_require(function, result, 0);
}

static void row(void)
{
  sighook_hook hooks[NAMES];

  load(FIRST_LIBRARY);
  for (unsigned i = 0; i < NAMES; i++) {
    functions[i] = dlsym(library, names[i]);
    REQUIRE(functions[i] && page_install(functions[i], flags, &hooks[i]) == SIGHOOK_OK);
    page_require(functions[i], FIRST, 1);
  }
  REQUIRE(page_entry(hooks[1]) == (flags ? SIGHOOK_ENTRY_TRAP : SHORT_ENTRY));
  change_library();
  for (unsigned i = 0; i < NAMES; i++)
    check_function(functions[i], hooks[i], way == SAME_BUILD ? FIRST : SECOND);
}

/* A patch of the caller's goes the same way. */
static void patch_row(void)
{
  uint8_t before[SAVED];
  const unsigned other = 2;

  load(FIRST_LIBRARY);
  for (unsigned i = 0; i < NAMES; i++)
    functions[i] = dlsym(library, names[i]);
  REQUIRE(sighook_patch_bytes((uintptr_t)functions[other], long_second, NEAR_DISPLACED, NULL) == SIGHOOK_OK);
  page_require(functions[other], SECOND, 0);
  if (way != NEW_BUILD)                /* that has the very bytes of the patch */
    change_library();
  if (way == MAPPED_OVER)
    return;
  memcpy(before, functions[other], SAVED);
  REQUIRE(sighook_unhook((uintptr_t)functions[other]) == SIGHOOK_OK);
  REQUIRE(way == NEW_BUILD || memcmp(before, functions[other], SAVED) == 0);
  page_require(functions[other], FIRST, 0);
}

/* Nothing comes in its place. */
static void unload_row(void)
{
  sighook_hook hooks[NAMES];

  load(FIRST_LIBRARY);
  for (unsigned i = 0; i < NAMES; i++) {
    functions[i] = dlsym(library, names[i]);
    REQUIRE(page_install(functions[i], flags, &hooks[i]) == SIGHOOK_OK);
  }
  REQUIRE(dlclose(library) == 0);
  for (unsigned i = 0; i < NAMES; i++) {
    REQUIRE(page_install(functions[i], flags, &(sighook_hook){0}) == SIGHOOK_BAD_ADDRESS);
    REQUIRE(sighook_remove(hooks[i]) == SIGHOOK_OK);
    REQUIRE(sighook_remove(hooks[i]) == SIGHOOK_NOT_FOUND);
  }
}

static void each_way(void (*work)(void))
{
  static const uint32_t kinds[] = {0, SIGHOOK_FORCE_TRAP};

  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (way = 0; way < WAYS; way++) {
      flags = kinds[i];
      if (!in_child(work))
        fail_msg("way %d, flags %#x", way, flags);
    }
}

static void hooks_that_went_with_their_library_are_noticed_in_the_next_one(void **state)
{
  (void)state;
  each_way(row);
}

static void patches_that_went_with_their_library_are_noticed(void **state)
{
  (void)state;
  each_way(patch_row);
}

static void hooks_that_went_with_their_library_leave_nothing(void **state)
{
  (void)state;
  each_way(unload_row);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hooks_that_went_with_their_library_are_noticed_in_the_next_one),
      cmocka_unit_test(patches_that_went_with_their_library_are_noticed),
      cmocka_unit_test(hooks_that_went_with_their_library_leave_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
