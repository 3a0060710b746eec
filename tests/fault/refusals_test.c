/* Systems that refuse for good: each in a process of its own, before the library is used first, and beside hooks that are there
 * by then. What can be done is done; what cannot has a clear answer; what was hooked goes on. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "child.h"
#include "filter.h"
#include "os/linux/maps_text.h"
#include "place.h"
#include "require.h"
#include "scene.h"

enum { DEADLINE_S = 100 };

static size_t page;

/* ---- systems ---- */

static void no_proc(void)
{
  char folder[] = "/tmp/sighook_fault_XXXXXX";

  REQUIRE(mkdtemp(folder) && chroot(folder) == 0 && chdir("/") == 0);
}

static void no_membarrier(void)
{
  filter_refuse(SYS_membarrier, EPERM);
}

static void no_writable_code(void)
{
  filter_refuse_where(SYS_mprotect, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC, EACCES);
}

static void no_mprotect(void)
{
  filter_refuse(SYS_mprotect, EPERM);
}

static void no_new_code(void)
{
  filter_refuse_where(SYS_mmap, 2, PROT_EXEC, PROT_EXEC, EPERM);
}

static void no_reads_of_processes(void)
{
  filter_refuse(SYS_process_vm_readv, ENOSYS);
}

static void no_memory_file(void)
{
  filter_refuse_path("/proc/self/mem", EACCES);
}

static void no_writes_to_memory_files(void)
{
  filter_refuse(SYS_pwrite64, EIO);
}

static void no_writer(void)
{
  no_writes_to_memory_files();
  no_writable_code();
}

static void no_questions(void)
{
  filter_refuse(SYS_ioctl, EPERM);
}

enum { SET_MDWE = 65, GET_MDWE = 66, REFUSE_EXEC_GAIN = 1, SYSTEM_MSEAL = 462 };   /* linux/prctl.h of 6.3, unistd.h of 6.10 */

static void no_gain_of_execution(void)
{
  REQUIRE(prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0);
}

static bool gain_can_be_refused(void)
{
  return prctl(GET_MDWE, 0, 0, 0, 0) >= 0;
}

static bool code_can_be_sealed(void)
{
  return syscall(SYSTEM_MSEAL, 0, 0, 0) == 0;
}

static void sealed_code(void)
{
  extern char __executable_start, etext;
  uintptr_t start = (uintptr_t)&__executable_start, end = ((uintptr_t)&etext + page - 1) & ~(uintptr_t)(page - 1);

  REQUIRE(syscall(SYSTEM_MSEAL, start, end - start, 0) == 0);
}

static size_t mapped(void)
{
  FILE *file = fopen("/proc/self/statm", "re");
  size_t pages;

  REQUIRE(file && fscanf(file, "%zu", &pages) == 1);
  fclose(file);
  return pages * page;
}

static void no_address_space(void)
{
  rlim_t size = mapped() + page;

  REQUIRE(setrlimit(RLIMIT_AS, &(struct rlimit){size, size}) == 0);
}

static void no_descriptors(void)
{
  REQUIRE(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, 0}) == 0);
}

static void little_stack(void)
{
  enum { SIZE = 192 * 1024 };

  REQUIRE(setrlimit(RLIMIT_STACK, &(struct rlimit){SIZE, SIZE}) == 0);
}

/* So many mappings that no more than two are free. */
static void no_mappings(void)
{
  enum { MANY = 100000 };
  char *pages = mmap(NULL, MANY * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  unsigned i = 0;

  REQUIRE(pages != MAP_FAILED);
  while (i < MANY / 2 && mprotect(pages + 2 * i * page, page, PROT_READ) == 0)
    i++;
  REQUIRE(i > 0 && i < MANY / 2);
}

/* ---- what is to work ---- */

enum works {
  EVERYTHING,
  WITHOUT_PHASES,                     /* what is changed by one store */
  NO_CHANGE_OF_CODE,
  OLD_MEMORY                          /* what there is memory for already */
};

static const struct refusal {
  const char *name;
  void (*refuse)(void);
  enum works works, works_from_start;
  const char *call;                   /* that the answer names */
  bool (*is_possible)(void);          /* on this kernel */
  bool list_too;                      /* the list of mappings, where it has to be read, finds no memory either */
} refusals[] = {
    {"no /proc", no_proc, NO_CHANGE_OF_CODE, NO_CHANGE_OF_CODE, "open /proc/self/maps", NULL, false},
    {"no membarrier", no_membarrier, WITHOUT_PHASES, WITHOUT_PHASES, "membarrier", NULL, false},
    {"no writable code", no_writable_code, EVERYTHING, EVERYTHING, NULL, NULL, false},
    {"no mprotect", no_mprotect, EVERYTHING, EVERYTHING, NULL, NULL, false},
    {"no new code", no_new_code, OLD_MEMORY, OLD_MEMORY, "mmap", NULL, false},
    {"no reads of processes", no_reads_of_processes, EVERYTHING, EVERYTHING, NULL, NULL, false},
    {"no /proc/self/mem", no_memory_file, EVERYTHING, EVERYTHING, NULL, NULL, false},
    {"no writes to /proc/self/mem", no_writes_to_memory_files, EVERYTHING, EVERYTHING, NULL, NULL, false},
    {"no writer at all", no_writer, NO_CHANGE_OF_CODE, NO_CHANGE_OF_CODE, "mprotect", NULL, false},
    {"no questions about mappings", no_questions, EVERYTHING, EVERYTHING, NULL, NULL, false},
    {"no gain of execution", no_gain_of_execution, EVERYTHING, EVERYTHING, NULL, gain_can_be_refused, false},
    {"sealed code", sealed_code, EVERYTHING, EVERYTHING, NULL, code_can_be_sealed, false},
    {"no address space", no_address_space, OLD_MEMORY, NO_CHANGE_OF_CODE, "mmap", NULL, true},
    {"no descriptors", no_descriptors, NO_CHANGE_OF_CODE, NO_CHANGE_OF_CODE, "open /proc/self/maps", NULL, false},
    {"little stack", little_stack, EVERYTHING, EVERYTHING, NULL, NULL, false},
    {"no mappings", no_mappings, OLD_MEMORY, NO_CHANGE_OF_CODE, "mmap", NULL, true},
};

static const struct refusal *refusal;
static bool from_start;

/* Whether the kernel answers questions about single mappings (6.11). */
static bool answers_questions(void)
{
  struct procmap_query query = {.size = sizeof query, .query_flags = 0x10};
  int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  bool answers = ioctl(maps, PROCMAP_QUERY, &query) == 0;

  close(maps);
  return answers;
}

static enum works works;

static void expect_works(void)
{
  works = from_start ? refusal->works_from_start : refusal->works;
  if (refusal->list_too && !answers_questions())
    works = NO_CHANGE_OF_CODE;
}

static bool may_be_refused(unsigned step, const sighook_error *error)
{
  if (works == EVERYTHING || error->status < SIGHOOK_NO_MEMORY || !error->os_call || !error->os_error)
    return false;
  return strcmp(error->os_call, refusal->call) == 0 || (works == NO_CHANGE_OF_CODE && !scene_changes_code(step));
}

static void rest_of_row(unsigned first)
{
  unsigned refused = 0, changed = 0;

  for (unsigned i = first; i < scene_count(); i++) {
    sighook_error error;
    enum scene_outcome outcome = scene_step(i, &error);

    scene_check();
    if (outcome == SCENE_REFUSED && !may_be_refused(i, &error)) {
      fprintf(stderr, "%s refused: %d, %s\n", scene_name(i), error.status, error.message);
      _exit(1);
    }
    refused += outcome == SCENE_REFUSED;
    changed += outcome == SCENE_DONE && scene_changes_code(i);
  }
  REQUIRE(works != EVERYTHING || refused == 0);
  REQUIRE(works == EVERYTHING || works == OLD_MEMORY || refused > 0 || !PLACES_PHASED);
  REQUIRE(works != NO_CHANGE_OF_CODE || changed == 0);
  REQUIRE(works == NO_CHANGE_OF_CODE || changed > 0);
  if (works == EVERYTHING)
    scene_end();
}

static void beside_hooks(void)
{
  unsigned first;

  alarm(DEADLINE_S);
  expect_works();
  scene_start();
  first = scene_early();
  refusal->refuse();
  scene_check();
  rest_of_row(first);
}

static void from_the_start(void)
{
  alarm(DEADLINE_S);
  expect_works();
  scene_start();
  refusal->refuse();
  rest_of_row(0);
}

static void all_refusals(void (*work)(void))
{
  for (refusal = refusals; refusal < refusals + sizeof refusals / sizeof *refusals; refusal++)
    if (refusal->is_possible && !refusal->is_possible())
      print_message("%s: not on this kernel\n", refusal->name);
    else if (!in_child(work))
      fail_msg("%s", refusal->name);
}

static void hooks_go_on_where_the_system_refuses_what_is_asked_later(void **state)
{
  (void)state;
  from_start = false;
  all_refusals(beside_hooks);
}

static void what_works_without_what_the_system_refuses_works_from_the_start(void **state)
{
  (void)state;
  from_start = true;
  all_refusals(from_the_start);
}

static int prepare(void **state)
{
  (void)state;
  page = (size_t)sysconf(_SC_PAGESIZE);
  places_crowd();
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hooks_go_on_where_the_system_refuses_what_is_asked_later),
      cmocka_unit_test(what_works_without_what_the_system_refuses_works_from_the_start),
  };

  return cmocka_run_group_tests(tests, prepare, NULL);
}
