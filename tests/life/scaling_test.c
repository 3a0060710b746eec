/* A hit writes nothing that threads share: with all that is the library's write-protected, but for threads' records and counters,
 * sixteen threads hit counted, probed and replaced sites, by branches and by traps. */
#define _GNU_SOURCE
#include "life.h"

#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include "core/counters.h"
#include "core/thread.h"
#include "host/host.h"
#include "os/memory.h"
#include "table/table.h"
#include "stacks.h"

enum { THREADS = 16, HITS = 20000, HITS_BY_TRAPS = 1000, MAPPINGS_MAX = 4096 };

/* What the threads and the main one share is not the library's. */
struct shared {
  atomic_uint ready, warm, done;
  atomic_bool begin, go, end, over;
};

struct range {
  uintptr_t start, end;
};

static size_t list_writable(struct range *ranges)
{
  FILE *file = fopen("/proc/self/maps", "re");
  size_t count = 0;
  char line[512];

  while (fgets(line, sizeof line, file) && count < MAPPINGS_MAX)
    if (sscanf(line, "%lx-%lx", &ranges[count].start, &ranges[count].end) == 2 && strstr(line, " rw-p "))
      count++;
  fclose(file);
  return count;
}

/* ---- sites ---- */

static __attribute__((noinline)) long probed(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static __attribute__((noinline)) long replaced(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static __attribute__((noinline)) long both(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

static __attribute__((noinline)) long replacement(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 2;
}

static uint32_t entry;                /* the one tried */
static unsigned times;                /* of hits of each site, by each thread */
static long (*const volatile targets[])(long) = {probed, replaced, both, touches_nothing};

static void hit_all(unsigned so_often, struct shared *shared)
{
  for (unsigned i = 0; i < so_often; i++)
    if (targets[0](1) != 2 || targets[1](1) != 3 || targets[2](1) != 2 || targets[3](1) != 2)
      atomic_store(&shared->end, true);
}

static void *hit_when_told(void *data)
{
  struct shared *shared = data;

  atomic_fetch_add(&shared->ready, 1);
  while (!atomic_load(&shared->begin))
    usleep(100);
  hit_all(1, shared);
  atomic_fetch_add(&shared->warm, 1);
  while (!atomic_load(&shared->go))
    ;
  hit_all(times, shared);
  atomic_fetch_add(&shared->done, 1);
  while (!atomic_load(&shared->over)) /* ending, it writes to libc's list of threads, which may lie among the program's data */
    usleep(100);
  return NULL;
}

/* ---- what is the library's ---- */

static size_t page;

static bool is_page_of(uintptr_t at, const void *object, size_t size)
{
  return object && at + page > (uintptr_t)object && at < (uintptr_t)object + size;
}

/* Records lie two cache lines apart, and each thread has counters of its own. */
static bool is_of_one_thread(uintptr_t at)
{
  for (const struct thread *record = thread_first(); record; record = record->next) {
    if (is_page_of(at, record, sizeof *record))
      return true;
    for (unsigned i = 0; record->chunks && i < 2; i++)
      if (is_page_of(at, atomic_load(&record->chunks[i]), COUNTER_CHUNK * sizeof(struct counter)))
        return true;
  }
  return false;
}

static bool is_in(uintptr_t at, const struct range *ranges, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (at >= ranges[i].start && at < ranges[i].end)
      return true;
  return false;
}

static int find_program(struct dl_phdr_info *info, size_t size, void *range)
{
  (void)size;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];

    if (header->p_type == PT_LOAD && (header->p_flags & PF_W))
      *(struct range *)range = (struct range){page_up(info->dlpi_addr + header->p_vaddr, page),
                                              info->dlpi_addr + header->p_vaddr + header->p_memsz};
  }
  return 1;
}

static unsigned protect(const struct range *ranges, size_t count, const struct range *before, size_t count_before, int protection)
{
  unsigned pages = 0;

  for (size_t i = 0; i < count; i++)
    for (uintptr_t at = ranges[i].start; at < ranges[i].end; at += page)
      if (!is_in(at, before, count_before) && !is_of_one_thread(at))
        pages += mprotect((void *)at, page, protection) == 0;
  return pages;
}

static struct range before[MAPPINGS_MAX], after[MAPPINGS_MAX];

enum { HOOKS = 4 };

/* The first two count. */
static void install_all(sighook_hook hooks[HOOKS])
{
  sighook_spec replace = spec_for(replaced, NULL, entry);

  replace.kind = SIGHOOK_REPLACE;
  replace.replacement = (const void *)(uintptr_t)replacement;
  hooks[0] = must_install(spec_for(both, returns_at_once, SIGHOOK_COUNT | entry));
  hooks[1] = must_install(spec_for(touches_nothing, NULL, SIGHOOK_COUNT | entry));
  hooks[2] = must_install(spec_for(probed, returns_at_once, entry));
  hooks[3] = must_install(replace);
  for (unsigned i = 0; i < HOOKS; i++)
    REQUIRE((must_query(hooks[i]).entry == SIGHOOK_ENTRY_TRAP) == (entry == SIGHOOK_FORCE_TRAP));
}

static void hit_while_protected(void)
{
  struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_t threads[THREADS];
  sighook_hook hooks[HOOKS];
  size_t count_before, count;
  struct range program;
  unsigned pages;

  page = (size_t)sysconf(_SC_PAGESIZE);
  REQUIRE(shared != MAP_FAILED);
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_create(&threads[i], NULL, hit_when_told, shared) == 0);
  while (atomic_load(&shared->ready) < THREADS)
    usleep(100);
  count_before = list_writable(before);
  install_all(hooks);
  atomic_store(&shared->begin, true);
  while (atomic_load(&shared->warm) < THREADS)
    usleep(100);
  count = list_writable(after);
  dl_iterate_phdr(find_program, &program);
  pages = protect(after, count, before, count_before, PROT_READ);
  REQUIRE(pages >= 4);                /* sites, hooks, lists of hooks, the table */
  for (unsigned i = 0; i < sizeof targets / sizeof *targets; i++) {
    uintptr_t site = (uintptr_t)table_find((uintptr_t)targets[i]).site;

    REQUIRE(is_in(site, after, count) && !is_in(site, before, count_before) && !is_of_one_thread(site / page * page));
  }
  REQUIRE(is_in((uintptr_t)&capture_facts, &program, 1));
  REQUIRE(mprotect((void *)program.start, program.end - program.start, PROT_READ) == 0);
  atomic_store(&shared->go, true);
  while (atomic_load(&shared->done) < THREADS)
    usleep(100);
  REQUIRE(mprotect((void *)program.start, program.end - program.start, PROT_READ | PROT_WRITE) == 0);
  REQUIRE(protect(after, count, before, count_before, PROT_READ | PROT_WRITE) == pages);
  atomic_store(&shared->over, true);
  REQUIRE(!atomic_load(&shared->end));
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_join(threads[i], NULL) == 0);
  for (unsigned i = 0; i < 2; i++)
    REQUIRE(must_query(hooks[i]).hits == (uint64_t)THREADS * (times + 1) && must_query(hooks[i]).missed == 0);
}

static void sixteen_threads_hit_and_write_nothing_that_they_share(void **state)
{
  (void)state;
  times = HITS;
  assert_true(in_child(hit_while_protected));
}

/* Nor does the trap's handler, nor what it looks up. */
static void sixteen_threads_hit_traps_and_write_nothing_that_they_share(void **state)
{
  (void)state;
  times = HITS_BY_TRAPS;
  entry = SIGHOOK_FORCE_TRAP;
  assert_true(in_child(hit_while_protected));
}

static void what_a_thread_writes_lies_on_lines_of_its_own(void **state)
{
  (void)state;
  assert_int_equal(sizeof(struct thread) % 128, 0);
  assert_int_equal(_Alignof(struct thread), 128);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sixteen_threads_hit_and_write_nothing_that_they_share),
      cmocka_unit_test(sixteen_threads_hit_traps_and_write_nothing_that_they_share),
      cmocka_unit_test(what_a_thread_writes_lies_on_lines_of_its_own),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
