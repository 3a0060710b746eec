/* Hooks and threads that come and go by the ten thousand use nothing up: no memory, no mapping, no descriptor. */
#define _GNU_SOURCE
#include "life.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <wchar.h>
#include "codemem/arena.h"
#include "core/thread.h"
#include "made.h"
#include "patterns.h"
#include "stacks.h"

#ifndef CYCLES_PART
#define CYCLES_PART 1                 /* of as many an emulator can do a part only */
#endif
enum { CYCLES = 20000 / CYCLES_PART, CYCLES_LONG = 1000000 / CYCLES_PART, WARM = 400, INSTALLERS = 8 };
enum {
  TOGETHER = 4,
  SHORT_THREADS = 5000 / CYCLES_PART / TOGETHER * TOGETHER,
  SHORT_THREADS_LONG = 100000 / CYCLES_PART / TOGETHER * TOGETHER
};
/* An emulator's own memory grows with what it translates. */
enum { MORE_MEMORY = (CYCLES_PART > 1 ? 16 : 1) << 20, MORE_MAPPINGS = 8, MORE_RECORDS = 64 };

static unsigned so_many(unsigned by_default, unsigned at_length)
{
  return getenv("SIGHOOK_LONG") ? at_length : by_default;
}

/* ---- what there is ---- */

struct books {
  size_t arenas, resident, records;
  unsigned mappings, descriptors;
};

static size_t resident_bytes(void)
{
  FILE *file = fopen("/proc/self/statm", "re");
  unsigned long size, pages = 0;

  REQUIRE(file && fscanf(file, "%lu %lu", &size, &pages) == 2);
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned count_lines(const char *path)
{
  FILE *file = fopen(path, "re");
  unsigned lines = 0;

  for (int c; (c = fgetc(file)) != EOF;)
    lines += c == '\n';
  fclose(file);
  return lines;
}

static unsigned count_descriptors(void)
{
  DIR *directory = opendir("/proc/self/fd");
  unsigned count = 0;

  while (readdir(directory))
    count++;
  closedir(directory);
  return count;
}

static struct books look(void)
{
  struct books books = {.arenas = arena_memory(), .resident = resident_bytes()};

  for (const struct thread *record = thread_first(); record; record = record->next)
    books.records++;
  books.mappings = count_lines("/proc/self/maps");
  books.descriptors = count_descriptors();
  return books;
}

static void require_no_more_than(const struct books *before)
{
  struct books now = look();

  printf("arenas %zu, before %zu; resident %zu, before %zu; %zu records, before %zu; %u mappings, before %u; "
         "%u descriptors, before %u\n",
         now.arenas, before->arenas, now.resident, before->resident, now.records, before->records, now.mappings, before->mappings,
         now.descriptors, before->descriptors);
  fflush(stdout);                     /* a REQUIRE that fails ends the child at once */
  REQUIRE(now.arenas == before->arenas && now.descriptors == before->descriptors);
  REQUIRE(now.resident <= before->resident + MORE_MEMORY && now.mappings <= before->mappings + MORE_MAPPINGS);
  REQUIRE(now.records <= before->records + MORE_RECORDS);
}

/* ---- one site ---- */

static void hook_once(sighook_kind kind, uint32_t flags, long expected)
{
  sighook_spec spec = {.size = sizeof spec, .kind = kind, .flags = flags, .address = (uintptr_t)code};
  sighook_hook hook;

  if (kind == SIGHOOK_REPLACE)
    spec.replacement = (const void *)(uintptr_t)touches_nothing;
  else
    spec.handler = returns_at_once;
  hook = must_install(spec);
  REQUIRE(call(5) == expected);
  REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
}

static void patch_once(bool bytes)
{
  if (bytes)
    REQUIRE(sighook_patch_bytes((uintptr_t)code, nops, sizeof nops, NULL) == SIGHOOK_OK);
  else
    REQUIRE(sighook_patchcode((uintptr_t)code, (uint32_t)ADDS_9_OPCODE, NULL) == SIGHOOK_OK && call(5) == 14);
  REQUIRE(sighook_unhook((uintptr_t)code) == SIGHOOK_OK);
}

/* Inside of what the longer patch covers. */
static void hook_inside(void)
{
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = returns_at_once, .address = (uintptr_t)code + INSIDE_NOPS};
  sighook_hook hook;

  if (sighook_install(&spec, &hook) == SIGHOOK_OK)     /* where an instruction begins there */
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
}

/* Kinds that follow each other differ each time round. */
static void one_cycle(unsigned number)
{
  static const uint32_t flags[] = {0, SIGHOOK_INTEGER_ONLY, SIGHOOK_COUNT, SIGHOOK_FORCE_TRAP, SIGHOOK_SAVE_X87,
                                   SIGHOOK_NO_PUN | SIGHOOK_INTEGER_ONLY | SIGHOOK_COUNT};

  switch (number % 11) {
  case 0:
  case 4:
    patch_once(number % 2);
    break;
  case 2:
    hook_once(SIGHOOK_REPLACE, number % 3 ? 0 : SIGHOOK_COUNT, 6);
    break;
  case 6:
    hook_inside();
    break;
  default:
    hook_once(SIGHOOK_PROBE, flags[number / 11 % 6], 12);
    break;
  }
  REQUIRE(call(5) == 12);
}

static void cycle_at_one_site(void)
{
  unsigned cycles = so_many(CYCLES, CYCLES_LONG);
  struct books before;

  make_code();
  for (unsigned i = 0; i < WARM; i++)
    one_cycle(i);
  before = look();
  for (unsigned i = 0; i < cycles; i++)
    one_cycle(i);
  require_no_more_than(&before);
  REQUIRE(memcmp(code, adds_7, sizeof adds_7) == 0);
}

static void one_site_in_all_ways_in_turn_uses_nothing_up(void **state)
{
  (void)state;
  assert_true(in_child(cycle_at_one_site));
}

/* ---- changing sites ---- */

#define AT(function) (uintptr_t)(function)
static const uintptr_t functions[] = {
    AT(touches_nothing), AT(touches_nothing), AT(touches_nothing), AT(atoi), AT(atol), AT(strtol), AT(strtoul), AT(strtod),
    AT(qsort), AT(bsearch), AT(rand), AT(srand), AT(getenv), AT(setenv),
    AT(unsetenv), AT(abs), AT(labs), AT(div), AT(ldiv), AT(mblen), AT(mbtowc), AT(wctomb), AT(tsearch), AT(tfind), AT(tdelete),
    AT(hcreate), AT(hdestroy), AT(lfind), AT(lsearch), AT(toupper), AT(tolower), AT(isalpha), AT(isdigit), AT(mktime), AT(gmtime),
    AT(asctime), AT(strftime), AT(wcstol), AT(wcstoul), AT(fgetwc), AT(putwchar), AT(ungetc), AT(rewind),
    AT(strerror), AT(perror),
};
enum { FUNCTIONS = (sizeof functions / sizeof *functions) / (CYCLES_PART > 1 ? 4 : 1), WAYS = 6 };
static bool at_one_site;

/* Each of them can be hooked in each way: by a trap where by nothing else. */
static void cycle_somewhere(unsigned number)
{
  static const uint32_t flags[WAYS] = {0, SIGHOOK_COUNT, SIGHOOK_INTEGER_ONLY, SIGHOOK_FORCE_TRAP,
                                       SIGHOOK_INTEGER_ONLY | SIGHOOK_COUNT, SIGHOOK_FORCE_TRAP | SIGHOOK_COUNT};
  unsigned which = at_one_site ? 0 : number * 7 % FUNCTIONS;
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = flags[number / 5 % WAYS],
                       .address = functions[which],
                       .handler = returns_at_once};
  sighook_hook hook = must_install(spec);

  REQUIRE(touches_nothing(1) == 2 && atoi("17") == 17);
  if (spec.address == AT(touches_nothing) && spec.flags & SIGHOOK_COUNT)
    REQUIRE(must_query(hook).hits >= 1);
  REQUIRE(number % 64 ? sighook_remove(hook) == SIGHOOK_OK : sighook_remove_wait(hook, 20000) == SIGHOOK_OK);
}

/* libc has every signal blocked where threads begin and end, for long on a busy machine: traps would be refused meanwhile. */
static pthread_barrier_t all_here, all_done;

static void *cycle_everywhere(void *data)
{
  unsigned seed = (unsigned)(uintptr_t)data;

  pthread_barrier_wait(&all_here);
  for (unsigned i = 0; i < so_many(CYCLES, CYCLES_LONG) / INSTALLERS; i++)
    cycle_somewhere(seed * 13 + i);
  pthread_barrier_wait(&all_done);
  return data;
}

static void run_installers(void)
{
  pthread_t threads[INSTALLERS];

  REQUIRE(pthread_barrier_init(&all_here, NULL, INSTALLERS + 1) == 0);
  REQUIRE(pthread_barrier_init(&all_done, NULL, INSTALLERS) == 0);
  for (uintptr_t i = 0; i < INSTALLERS; i++)
    REQUIRE(pthread_create(&threads[i], NULL, cycle_everywhere, (void *)i) == 0);
  pthread_barrier_wait(&all_here);
  for (unsigned i = 0; i < INSTALLERS; i++)
    REQUIRE(pthread_join(threads[i], NULL) == 0);
}

static void cycle_by_many_threads(void)
{
  uint8_t bytes[16];                  /* that the first hook changes some of, and the last puts back */
  struct books before;

  memcpy(bytes, (const void *)functions[0], sizeof bytes);
  for (unsigned i = 0; i < 5 * WAYS * FUNCTIONS; i++) /* each site in each way */
    cycle_somewhere(i);
  run_installers();
  before = look();
  run_installers();
  require_no_more_than(&before);
  REQUIRE(memcmp(bytes, (const void *)functions[0], sizeof bytes) == 0);
}

static void many_sites_under_eight_installing_threads_use_nothing_up(void **state)
{
  (void)state;
  assert_true(in_child(cycle_by_many_threads));
}

static void cycle_by_many_threads_at_one_site(void)
{
  at_one_site = true;
  cycle_by_many_threads();
}

static void one_site_under_eight_installing_threads_uses_nothing_up(void **state)
{
  (void)state;
  assert_true(in_child(cycle_by_many_threads_at_one_site));
}

/* ---- threads ---- */

static void *hit(void *counted)
{
  REQUIRE(touches_nothing(1) == 2 && touches_nothing_either(1) == 2);
  return counted;
}

static void run_short_threads(unsigned count)
{
  pthread_t threads[TOGETHER];

  for (unsigned i = 0; i < count; i += TOGETHER) {
    for (unsigned j = 0; j < TOGETHER; j++)
      REQUIRE(pthread_create(&threads[j], NULL, hit, NULL) == 0);
    for (unsigned j = 0; j < TOGETHER; j++)
      REQUIRE(pthread_join(threads[j], NULL) == 0);
  }
}

static void come_and_go(void)
{
  sighook_hook counting = must_install(spec_for(touches_nothing, NULL, SIGHOOK_COUNT));
  sighook_hook probing = must_install(spec_for(touches_nothing, returns_at_once, SIGHOOK_COUNT));
  sighook_hook trapping = must_install(spec_for(touches_nothing_either, returns_at_once, SIGHOOK_COUNT | SIGHOOK_FORCE_TRAP));
  unsigned count = so_many(SHORT_THREADS, SHORT_THREADS_LONG);
  struct books before;

  REQUIRE(must_query(probing).entry != SIGHOOK_ENTRY_TRAP && must_query(trapping).entry == SIGHOOK_ENTRY_TRAP);
  run_short_threads(400);
  before = look();
  run_short_threads(count);
  require_no_more_than(&before);
  REQUIRE(must_query(counting).hits == 400 + count && must_query(probing).hits == 400 + count);
  REQUIRE(must_query(trapping).hits == 400 + count && must_query(trapping).missed == 0);
}

static void short_lived_threads_use_nothing_up(void **state)
{
  (void)state;
  assert_true(in_child(come_and_go));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_site_in_all_ways_in_turn_uses_nothing_up),
      cmocka_unit_test(many_sites_under_eight_installing_threads_use_nothing_up),
      cmocka_unit_test(one_site_under_eight_installing_threads_uses_nothing_up),
      cmocka_unit_test(short_lived_threads_use_nothing_up),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
