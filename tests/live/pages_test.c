/* Pages of 64 KiB, as some kernels for AArch64 have them: the library is told of such, by a getauxval of this program's, and
 * must leave alone whatever shares no such page with the code that it changes. Any kernel with smaller pages does what it asks. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include "live.h"
#include "os/memory.h"
#include "patterns.h"

enum { PAGE = 65536, PAGES = 3, ENTRIES = 65536 / 64 };

typedef long function(long);

unsigned long getauxval(unsigned long type)
{
  static ElfW(auxv_t) vector[64];
  static bool read;

  if (!read) {
    FILE *file = fopen("/proc/self/auxv", "re");

    read = file && fread(vector, sizeof *vector, sizeof vector / sizeof *vector - 1, file) > 0;
    if (file)
      fclose(file);
  }
  if (type == AT_PAGESZ)
    return PAGE;
  for (unsigned i = 0; vector[i].a_type != AT_NULL; i++)
    if (vector[i].a_type == type)
      return vector[i].a_un.a_val;
  return 0;
}

/* Code, data and code again, each on one page of its own. */
static uint8_t *three_pages(void)
{
  uint8_t *memory = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  assert_true(memory != MAP_FAILED);
  memory = (uint8_t *)page_up((uintptr_t)memory, PAGE);
  for (unsigned i = 0; i < PAGES; i += 2) {
    memcpy(memory + i * PAGE, adds_7, sizeof adds_7);
    memcpy(memory + (i + 1) * PAGE - sizeof adds_7, adds_7, sizeof adds_7);
    __builtin___clear_cache((char *)memory + i * PAGE, (char *)memory + (i + 1) * PAGE);
    mprotect(memory + i * PAGE, PAGE, PROT_READ | PROT_EXEC);
  }
  return memory;
}

/* The mapping at `address` and its permissions. */
static bool mapping_at(uintptr_t address, uintptr_t *start, uintptr_t *end, char text[5])
{
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[512];
  bool found = false;

  while (!found && fgets(line, sizeof line, maps))
    found = sscanf(line, "%lx-%lx %4s", start, end, text) == 3 && address >= *start && address < *end;
  fclose(maps);
  return found;
}

static void expect_permissions(const uint8_t *memory)
{
  static const char *const expected[PAGES] = {"r-xp", "rw-p", "r-xp"};
  uintptr_t start, end;
  char text[5];

  for (unsigned i = 0; i < PAGES; i++)
    for (unsigned offset = 0; offset < PAGE; offset += 4096) {
      assert_true(mapping_at((uintptr_t)memory + i * PAGE + offset, &start, &end, text));
      assert_string_equal(text, expected[i]);
    }
}

static void hooks_on_a_large_page_change_no_other(void **state)
{
  static const uint32_t flags[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT};
  uint8_t *memory = three_pages();
  uint8_t *places[] = {memory, memory + PAGE - sizeof adds_7, memory + 2 * PAGE, memory + 3 * PAGE - sizeof adds_7};

  (void)state;
  assert_int_equal(os_page_size(), PAGE);
  memset(memory + PAGE, 0x5A, PAGE);
  for (unsigned i = 0; i < 12; i++) {
    function *adds = (function *)(uintptr_t)places[i % 4];
    sighook_hook hook = installed(probe(adds, count, flags[i / 4]));

    hits = 0;
    assert_int_equal(adds(5), 12);
    assert_int_equal(hits, 1);
    expect_permissions(memory);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    assert_int_equal(adds(5), 12);
    expect_permissions(memory);
  }
  for (unsigned i = 0; i < 4; i++)
    assert_memory_equal(places[i], adds_7, sizeof adds_7);
  for (unsigned i = 0; i < PAGE; i++)
    assert_int_equal(memory[PAGE + i], 0x5A);
}

static void many_sites_on_a_large_page_are_one_batch(void **state)
{
  uint8_t *memory = three_pages();
  sighook_hook hooks[ENTRIES];
  sighook_batch *batch;

  (void)state;
  mprotect(memory, PAGE, PROT_READ | PROT_WRITE);
  for (unsigned i = 0; i < ENTRIES; i++)
    memcpy(memory + i * 64, adds_7, sizeof adds_7);
  __builtin___clear_cache((char *)memory, (char *)memory + PAGE);
  mprotect(memory, PAGE, PROT_READ | PROT_EXEC);
  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  for (unsigned i = 0; i < ENTRIES; i++) {
    sighook_spec spec = probe((function *)(uintptr_t)(memory + i * 64), count, 0);

    assert_int_equal(sighook_batch_install(batch, &spec, &hooks[i]), SIGHOOK_OK);
  }
  assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
  sighook_batch_destroy(batch);
  hits = 0;
  for (unsigned i = 0; i < ENTRIES; i++)
    assert_int_equal(((function *)(uintptr_t)(memory + i * 64))(5), 12);
  assert_int_equal(hits, ENTRIES);
  for (unsigned i = 0; i < ENTRIES; i++)
    assert_int_equal(sighook_remove(hooks[i]), SIGHOOK_OK);
  expect_permissions(memory);
}

/* Where a branch leads lies code of the library's: whole pages, which a kernel with such pages could have mapped. */
static void stubs_lie_on_large_pages(void **state)
{
  uint8_t *memory = three_pages();
  sighook_hook hook = installed(probe((function *)(uintptr_t)memory, count, 0));
  uintptr_t stub = branch_target((uintptr_t)memory), start, end;
  char text[5];

  (void)state;
  assert_int_not_equal(stub, 0);
  assert_true(mapping_at(stub, &start, &end, text));
  assert_string_equal(text, "r-xp");
  assert_int_equal(start % PAGE, 0);
  assert_int_equal(end % PAGE, 0);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hooks_on_a_large_page_change_no_other),
      cmocka_unit_test(many_sites_on_a_large_page_are_one_batch),
      cmocka_unit_test(stubs_lie_on_large_pages),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
