/* What a debugger finds in this process by gdb's interface for code made at run time: a list whose files name the stubs, and bring
 * the rules to unwind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/host.h"
#include "live.h"
#include "patterns.h"

struct entry {
  const struct entry *next, *previous;
  const uint8_t *file;
  uint64_t size;
};

struct descriptor {
  uint32_t version, action;
  const struct entry *relevant, *first;
};

static const Elf64_Shdr *section_called(const uint8_t *file, const char *name)
{
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
  const Elf64_Shdr *sections = (const Elf64_Shdr *)(file + header->e_shoff);
  const char *names = (const char *)file + sections[header->e_shstrndx].sh_offset;

  for (unsigned i = 1; i < header->e_shnum; i++)
    if (strcmp(names + sections[i].sh_name, name) == 0)
      return &sections[i];
  return NULL;
}

static const Elf64_Sym *symbol_called(const uint8_t *file, const char *name)
{
  const Elf64_Shdr *table = section_called(file, ".symtab"), *strings = section_called(file, ".strtab");

  for (uint64_t i = 1; table && strings && i < table->sh_size / sizeof(Elf64_Sym); i++) {
    const Elf64_Sym *symbol = (const Elf64_Sym *)(file + table->sh_offset) + i;

    if (strcmp((const char *)file + strings->sh_offset + symbol->st_name, name) == 0)
      return symbol;
  }
  return NULL;
}

/* As a debugger does: by its name among the program's symbols, which are not exported. */
static const struct descriptor *find_descriptor(void)
{
  struct stat status;
  const Elf64_Sym *symbol;
  const uint8_t *file;
  int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

  assert_true(descriptor >= 0 && fstat(descriptor, &status) == 0);
  file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  assert_ptr_not_equal(file, MAP_FAILED);
  close(descriptor);
  symbol = symbol_called(file, "__jit_debug_descriptor");
  assert_non_null(symbol);
  assert_non_null(symbol_called(file, "__jit_debug_register_code"));
  return (const struct descriptor *)(_r_debug.r_map->l_addr + symbol->st_value);
}

/* Whether the file tells of code in which a stub of the hooked function is. */
static bool tells_of_stub(const uint8_t *file, uintptr_t hooked)
{
  const Elf64_Sym *symbol = symbol_called(file, "sighook_stubs");
  const Elf64_Shdr *code = section_called(file, ".text"), *rules = section_called(file, ".eh_frame");

  assert_int_equal(memcmp(file, ELFMAG, SELFMAG), 0);
  assert_int_equal(((const Elf64_Ehdr *)file)->e_machine, HOST_ELF_MACHINE);
  assert_true(symbol && code && rules && rules->sh_size > 0 && rules->sh_addr == (uintptr_t)file + rules->sh_offset);
  assert_true(symbol->st_value == code->sh_addr && symbol->st_size == code->sh_size);
  for (uintptr_t pc = code->sh_addr; pc < code->sh_addr + code->sh_size; pc++)
    if (sighook_original_pc(pc) == hooked)
      return true;
  return false;
}

static void hooked_is_told_of(uint32_t flags)
{
  sighook_hook hook = installed(probe(adds_1234, count, flags));
  const struct descriptor *list = find_descriptor();
  const struct entry *previous = NULL;
  bool found = false;

  assert_int_equal(list->version, 1);
  assert_non_null(list->first);
  for (const struct entry *entry = list->first; entry; previous = entry, entry = entry->next) {
    assert_ptr_equal(entry->previous, previous);
    found |= tells_of_stub(entry->file, (uintptr_t)adds_1234);
  }
  assert_true(found);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void a_debugger_is_told_of_each_stub(void **state)
{
  (void)state;
  hooked_is_told_of(0);
  hooked_is_told_of(SIGHOOK_FORCE_TRAP);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_debugger_is_told_of_each_stub)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
