/* The functions of libc, the loader and the unwinder that a busy program comes to, hooked at their entries by branches and by traps,
 * and each of their instructions: the program does what it does unhooked. Many at a time, and where that goes wrong fewer and fewer,
 * down to one; with SIGHOOK_LONG one by one. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>
#include <sighook/sighook.h>
#include "chance.h"
#include "driver.h"
#include "expected.h"
#include "host/host.h"

enum { SPOTS_MAX = 1 << 18, GROUP = 32, GROUP_OF_INSTRUCTIONS = 512, REACHED_MIN = 300, FRAMES = 8, TRAP_SHARE = 10 };

static struct spot {
  unsigned library;
  uintptr_t address;
  bool deaf;                          /* come to by a thread that no trap may come to */
} functions[PLACES_MAX], instructions[SPOTS_MAX];
static unsigned function_count, instruction_count;

static struct result {
  unsigned verdicts[WRONG + 1], refused, traps;
} result;

static void no_places(void)
{
  orders->count = orders->ask_for_deafness = 0;
}

static void add_place(const struct spot *spot, uint32_t flags)
{
  uintptr_t offset = spot->address - libraries[spot->library].table.low;

  assert_true(orders->count < PLACES_MAX);
  orders->places[orders->count++] = (struct place){.library = spot->library, .offset = offset, .flags = flags};
}

/* ---- which ---- */

static void add_entries(unsigned library)
{
  const struct eh_table *table = &libraries[library].table;

  for (uintptr_t at = eh_next_start(table, 0); at != UINTPTR_MAX; at = eh_next_start(table, at))
    add_place(&(struct spot){.library = library, .address = at}, SIGHOOK_REQUIRE_BRANCH);
}

static void add_instructions(const struct spot *entry)
{
  struct eh_function function;
  size_t length;

  assert_true(eh_find(&libraries[entry->library].table, entry->address, &function));
  for (uintptr_t at = function.start; at < function.end && instruction_count < SPOTS_MAX; at += length) {
    instructions[instruction_count++] = (struct spot){entry->library, at, entry->deaf};
    length = host_insn_length((const uint8_t *)at, function.end - at);
    if (!length)
      return;
  }
}

static void keep_function(const struct place *place)
{
  struct spot *entry = &functions[function_count++];

  *entry = (struct spot){place->library, libraries[place->library].table.low + place->offset, place->deaf};
  add_instructions(entry);
}

/* Those that called main and are yet to come back, and those before them. */
static void keep_functions_under_way(void)
{
  struct eh_function function;
  void *frames[FRAMES];
  int count = backtrace(frames, FRAMES);

  for (int i = 0; i < count; i++)
    for (unsigned library = 0; library < LIBRARIES; library++)
      if (eh_find(&libraries[library].table, (uintptr_t)frames[i] - 1, &function)) {
        struct spot *entry = &functions[function_count++];

        *entry = (struct spot){.library = library, .address = function.start};
        add_instructions(entry);
      }
}

static bool is_reached(const char *name)
{
  uintptr_t address = (uintptr_t)dlsym(RTLD_DEFAULT, name);

  for (unsigned i = 0; i < function_count; i++)
    if (functions[i].address == address)
      return true;
  print_error("%s is not come to\n", name);
  return false;
}

/* ---- runs ---- */

static void judge_one(enum verdict verdict, bool may_be_deaf)
{
  const struct place *place = &orders->places[0];

  result.traps += place->entry == SIGHOOK_ENTRY_TRAP;
  if (place->status != SIGHOOK_OK) {
    result.refused++;
    if (place->status == SIGHOOK_OK || expected_index(place->reason, expected_refusals, EXPECTED_REFUSALS) < 0) {
      print_error("%s: %s\n", driver_name(place), place->reason);
      verdict = WRONG;
    }
  }
  if (verdict == DEAF && (place->entry != SIGHOOK_ENTRY_TRAP || !may_be_deaf || !strstr(place->reason, "libc blocks signals"))) {
    print_error("%s: died of a trap: %s\n", driver_name(place), place->reason);
    verdict = WRONG;
  }
  result.verdicts[verdict]++;
}

/* What was refused in a group that worked is looked at one by one. */
static bool all_done(void)
{
  unsigned traps = 0;

  for (unsigned i = 0; i < orders->count; i++) {
    if (orders->places[i].status != SIGHOOK_OK)
      return false;
    traps += orders->places[i].entry == SIGHOOK_ENTRY_TRAP;
  }
  result.verdicts[WORKED] += orders->count;
  result.traps += traps;
  return true;
}

static void run(const struct spot *spots, unsigned count, uint32_t flags, bool any_deaf)
{
  unsigned wrong = result.verdicts[WRONG] + result.verdicts[DEAF];
  enum verdict verdict;

  no_places();
  for (unsigned i = 0; i < count; i++)
    add_place(&spots[i], flags);
  verdict = driver_run();
  if (count == 1) {
    judge_one(verdict, any_deaf || spots->deaf);
  } else if (verdict != WORKED || !all_done()) {
    run(spots, count / 2, flags, any_deaf);
    run(spots + count / 2, count - count / 2, flags, any_deaf);
    if (verdict == WRONG && wrong == result.verdicts[WRONG] + result.verdicts[DEAF]) {
      print_error("%u from %s on: only together\n", count, driver_name(&orders->places[0]));
      result.verdicts[WRONG]++;
    }
  }
}

static void run_all(const struct spot *spots, unsigned count, unsigned group, uint32_t flags, bool any_deaf)
{
  if (getenv("SIGHOOK_LONG"))
    group = 1;
  result = (struct result){0};
  for (unsigned i = 0; i < count; i += group)
    run(spots + i, count - i < group ? count - i : group, flags, any_deaf);
  print_message("%u worked, %u on threads deaf to traps, %u wrong; %u refused, %u traps\n", result.verdicts[WORKED],
                result.verdicts[DEAF], result.verdicts[WRONG], result.refused, result.traps);
  assert_int_equal(result.verdicts[WRONG], 0);
}

/* ---- tests ---- */

/* Which functions are come to is known then; those where no branch fits are taken to be. */
static void all_entries_at_once(void **state)
{
  unsigned deaf = 0, reached = 0;

  (void)state;
  no_places();
  orders->ask_for_deafness = 1;
  for (unsigned i = 0; i < LIBRARIES; i++)
    add_entries(i);
  assert_int_equal(driver_run(), WORKED);
  for (unsigned i = 0; i < orders->count; i++) {
    deaf += orders->places[i].deaf;
    reached += orders->places[i].hits != 0;
    if (orders->places[i].hits || orders->places[i].status != SIGHOOK_OK)
      keep_function(&orders->places[i]);
  }
  keep_functions_under_way();
  print_message("%u functions; %u come to, %u of them by threads deaf to traps; %u instructions\n", orders->count, reached, deaf,
                instruction_count);
  assert_true(reached > REACHED_MIN);
}

static void the_delicate_ones_are_among_them(void **state)
{
  static const char *const names[] = {
      "pthread_create", "pthread_exit",    "pthread_cancel",  "__clone",        "fork",          "_Fork",           "vfork",
      "execve",         "posix_spawn",     "system",          "popen",          "sigaction",     "sigprocmask",     "__sigsetjmp",
      "siglongjmp",     "getcontext",      "makecontext",     "swapcontext",    "dlopen",        "dlsym",           "dlclose",
      "dl_iterate_phdr", "_dl_find_object", "_dl_catch_exception", "__tls_get_addr", "__cxa_throw", "_Unwind_RaiseException",
      "_Unwind_Resume", "_Unwind_ForcedUnwind", "exit",        "__cxa_atexit",   "malloc",        "realloc",         "free",
      "calloc",         "__libc_start_main",
  };
  unsigned missing = 0;

  (void)state;
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    missing += !is_reached(names[i]);
  assert_int_equal(missing, 0);
}

static void each_entry_by_a_branch(void **state)
{
  (void)state;
  run_all(functions, function_count, GROUP, 0, false);
}

/* Those at the end that are come to by threads deaf to traps. */
static unsigned sort_deaf_last(void)
{
  unsigned hearing = function_count;

  for (unsigned i = 0; i < hearing;) {
    struct spot spot = functions[i];

    if (!spot.deaf) {
      i++;
      continue;
    }
    functions[i] = functions[--hearing];
    functions[hearing] = spot;
  }
  return hearing;
}

static void each_entry_by_a_trap(void **state)
{
  unsigned hearing = sort_deaf_last();

  (void)state;
  run_all(functions, hearing, GROUP, SIGHOOK_FORCE_TRAP, false);
  run_all(functions + hearing, function_count - hearing, 1, SIGHOOK_FORCE_TRAP, true);
}

/* One instruction of so many, some by chance; all with SIGHOOK_LONG. */
static void run_share(unsigned share, uint32_t flags)
{
  unsigned count = instruction_count / (getenv("SIGHOOK_LONG") ? 1 : share);
  uint64_t chance = random_seed();

  run_all(instructions + random_next(&chance) % (instruction_count - count + 1), count, GROUP_OF_INSTRUCTIONS, flags, true);
}

static void each_instruction_by_a_branch(void **state)
{
  (void)state;
  run_share(INSTRUCTION_SHARE, 0);
}

/* Functions that block signals in the middle have to be tried one by one, which takes long. */
static void each_instruction_by_a_trap(void **state)
{
  (void)state;
  run_share(INSTRUCTION_SHARE * TRAP_SHARE, SIGHOOK_FORCE_TRAP);
}

/* One place alone, to look at. */
static int run_told(char **told)
{
  struct spot spot = {.library = (unsigned)strtoul(told[0], NULL, 0)};

  if (!driver_start() || spot.library >= LIBRARIES)
    return 1;
  spot.address = libraries[spot.library].table.low + strtoul(told[1], NULL, 0);
  no_places();
  add_place(&spot, (uint32_t)strtoul(told[2], NULL, 0));
  orders->ask_for_deafness = 1;
  printf("verdict %d\n", (int)driver_run());
  printf("%s: %s\n", driver_name(&orders->places[0]), orders->places[0].reason);
  printf("%u hits%s\n", orders->places[0].hits, orders->places[0].deaf ? ", deaf" : "");
  return 0;
}

static int start(void **state)
{
  (void)state;
  return !driver_start();
}

int main(int count, char **arguments)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_entries_at_once),          cmocka_unit_test(the_delicate_ones_are_among_them),
      cmocka_unit_test(each_entry_by_a_branch),       cmocka_unit_test(each_entry_by_a_trap),
      cmocka_unit_test(each_instruction_by_a_branch), cmocka_unit_test(each_instruction_by_a_trap),
  };

  if (count == 4)
    return run_told(arguments + 1);
  return cmocka_run_group_tests(tests, start, NULL);
}
