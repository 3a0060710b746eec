/* Protections come back, bytes come back, patches are whole instructions, and what may not be changed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "patterns.h"

static void count(sighook_context *context, void *user)
{
  (void)context;
  ++*(int *)user;
}

/* The permissions of the mapping at `address`, as "r-xp". */
static void permissions(const void *address, char text[5])
{
  FILE *maps = fopen("/proc/self/maps", "re");
  unsigned long start, end;
  char line[512];

  strcpy(text, "none");
  while (fgets(line, sizeof line, maps))
    if (sscanf(line, "%lx-%lx %4s", &start, &end, text) == 3 && (uintptr_t)address >= start && (uintptr_t)address < end)
      break;
  fclose(maps);
}

static unsigned writable_and_executable(void)
{
  FILE *maps = fopen("/proc/self/maps", "re");
  unsigned found = 0;
  char line[512];

  while (fgets(line, sizeof line, maps))
    found += strstr(line, " rwx") != NULL;
  fclose(maps);
  return found;
}

static uint8_t *code_page(int protection)
{
  uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  memcpy(page, adds_7, sizeof adds_7);
  mprotect(page, 4096, protection);
  return page;
}

static void permissions_and_bytes_come_back(void **state)
{
  static const int protections[] = {PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC, PROT_EXEC};
  static const uint32_t flags[] = {0, SIGHOOK_NO_PUN, SIGHOOK_FORCE_TRAP};

  (void)state;
  for (unsigned i = 0; i < 9; i++) {
    uint8_t *page = code_page(protections[i / 3]);
    unsigned rwx = writable_and_executable();
    int hits = 0;
    sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags[i % 3], .address = (uintptr_t)page,
                         .handler = count, .user = &hits};
    sighook_hook hook;
    char before[5], after[5];

    permissions(page, before);
    assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
    permissions(page, after);
    assert_string_equal(before, after);
    assert_int_equal(((long (*)(long))(uintptr_t)page)(5), 12);
    assert_int_equal(hits, 1);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
    permissions(page, after);
    assert_string_equal(before, after);
    assert_int_equal(writable_and_executable(), rwx);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    assert_memory_equal(page, adds_7, sizeof adds_7);
    munmap(page, 4096);
  }
}

static void a_patch_is_written_told_and_undone(void **state)
{
  uint8_t *page = code_page(PROT_READ | PROT_EXEC);
  long (*function)(long) = (long (*)(long))(uintptr_t)page;
  uint32_t original = 0, opcode = 0;

  (void)state;
  assert_int_equal(sighook_patchcode((uintptr_t)page, (uint32_t)ADDS_9_OPCODE, &original), SIGHOOK_OK);
  assert_int_equal(original, (uint32_t)ADDS_7_OPCODE);
  assert_int_equal(function(5), 14);
  assert_int_equal(sighook_patchcode((uintptr_t)page, (uint32_t)ADDS_11_OPCODE, &original), SIGHOOK_OK);
  assert_int_equal(original, (uint32_t)ADDS_7_OPCODE);                               /* the first one's */
  assert_int_equal(function(5), 16);
  assert_int_equal(sighook_original_opcode((uintptr_t)page, &opcode), SIGHOOK_OK);
  assert_int_equal(opcode, (uint32_t)ADDS_7_OPCODE);
  assert_int_equal(sighook_unhook((uintptr_t)page), SIGHOOK_OK);
  assert_memory_equal(page, adds_7, sizeof adds_7);
  munmap(page, 4096);
}

static void a_patch_ends_where_instructions_end(void **state)
{
  uint8_t *page = code_page(PROT_READ | PROT_EXEC);

  (void)state;
  for (unsigned i = 0; i < sizeof bad_patches / sizeof bad_patches[0]; i++)
    assert_int_equal(sighook_patch_bytes((uintptr_t)page + bad_patches[i].offset, bad_patches[i].bytes, bad_patches[i].length, NULL),
                     bad_patches[i].answer);
  assert_int_equal(sighook_patch_bytes((uintptr_t)page, nops, 0, NULL), SIGHOOK_BAD_ARGUMENT);
  assert_memory_equal(page, adds_7, sizeof adds_7);
  assert_int_equal(sighook_patch_bytes((uintptr_t)page, nops, sizeof nops, NULL), SIGHOOK_OK);
  assert_int_equal(sighook_instrument((uintptr_t)page + INSIDE_NOPS, (sighook_callback)(uintptr_t)count, NULL), SIGHOOK_ALREADY_HOOKED);
  assert_int_equal(sighook_unhook((uintptr_t)page), SIGHOOK_OK);
  assert_memory_equal(page, adds_7, sizeof adds_7);
  munmap(page, 4096);
}

static void bytes_that_somebody_else_changed_are_left_alone(void **state)
{
  uint8_t *page = code_page(PROT_READ | PROT_WRITE | PROT_EXEC);
  int hits = 0;
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)page, .handler = count, .user = &hits};
  sighook_hook hook;
  uint8_t ours;

  (void)state;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  ours = page[0];
  page[0] = (uint8_t)~ours;
  assert_int_equal(sighook_remove(hook), SIGHOOK_CONFLICT);
  assert_int_equal(page[0], (uint8_t)~ours);
  page[0] = ours;
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_memory_equal(page, adds_7, sizeof adds_7);
  munmap(page, 4096);
}

static void code_that_is_not_the_programs_alone_is_refused(void **state)
{
  int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  void *shared = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
  uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
  sighook_error error = {.size = sizeof error};

  (void)state;
  assert_ptr_not_equal(shared, MAP_FAILED);
  assert_int_equal(sighook_instrument((uintptr_t)shared, (sighook_callback)(uintptr_t)count, NULL), SIGHOOK_BAD_ADDRESS);
  sighook_last_error(&error);
  assert_non_null(strstr(error.message, "shared"));
  assert_int_not_equal(sighook_instrument(vdso + 0x800, (sighook_callback)(uintptr_t)count, NULL), SIGHOOK_OK);
  munmap(shared, 4096);
  close(file);
}

static void a_code_page_unmapped_under_a_hook_leaves_nothing_to_undo(void **state)
{
  uint8_t *page = code_page(PROT_READ | PROT_EXEC);
  int hits = 0;
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)page, .handler = count, .user = &hits};
  sighook_hook hook;

  (void)state;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  munmap(page, 4096);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(sighook_remove(hook), SIGHOOK_NOT_FOUND);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(permissions_and_bytes_come_back),
      cmocka_unit_test(a_patch_is_written_told_and_undone),
      cmocka_unit_test(a_patch_ends_where_instructions_end),
      cmocka_unit_test(bytes_that_somebody_else_changed_are_left_alone),
      cmocka_unit_test(code_that_is_not_the_programs_alone_is_refused),
      cmocka_unit_test(a_code_page_unmapped_under_a_hook_leaves_nothing_to_undo),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
