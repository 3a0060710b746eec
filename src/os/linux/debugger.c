/* gdb's interface for code made at run time (gdb's documentation, "JIT Compilation Interface"): a list of ELF files in memory, and a
 * function at which it stops to read it. It finds both by their names in the symbol table, so they are local: another such list in
 * the process is another's. */
#include <elf.h>
#include "host/host.h"
#include "os/describe.h"

enum { REGISTERED = 1, TEXT = 1, RULES, SYMBOLS, STRINGS, SECTIONS, SYMBOL_COUNT = 2, STRINGS_SIZE = 48 };

struct file {
  Elf64_Ehdr header;
  Elf64_Shdr sections[SECTIONS];
  Elf64_Sym symbols[SYMBOL_COUNT];
  char strings[STRINGS_SIZE];
  uint8_t rules[OS_DEBUGGER_RULES];
};

/* The debugger reads this and the next by their layout. */
struct entry {
  struct entry *next, *previous;
  const struct file *file;
  uint64_t file_size;
  struct file own;
};
_Static_assert(sizeof(struct entry) <= sizeof(struct os_debugger_room), "room for it");

static struct {
  uint32_t version, action;
  struct entry *relevant, *first;
} __jit_debug_descriptor __attribute__((used)) = {.version = 1};

static __attribute__((noinline, used)) void __jit_debug_register_code(void)
{
  __asm__ volatile("" ::: "memory");
}

/* Appends a string; returns where it begins. */
static uint32_t add_string(struct file *file, uint32_t *end, const char *string)
{
  uint32_t start = *end;

  do
    file->strings[(*end)++] = *string;
  while (*string++ && *end < STRINGS_SIZE - 1);
  return start;
}

static void set_section(struct file *file, unsigned index, uint32_t type, uint64_t flags, const void *start, size_t size)
{
  Elf64_Shdr *section = &file->sections[index];

  section->sh_type = type;
  section->sh_flags = flags;
  section->sh_addr = flags & SHF_ALLOC ? (uintptr_t)start : 0;
  section->sh_offset = type == SHT_NOBITS ? 0 : (uint64_t)((const char *)start - (const char *)file);
  section->sh_size = size;
  section->sh_addralign = 8;
}

static void fill_sections(struct file *file, size_t rules_length, uintptr_t code, size_t code_size)
{
  set_section(file, TEXT, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, (const void *)code, code_size);
  set_section(file, RULES, SHT_PROGBITS, SHF_ALLOC, file->rules, rules_length);
  set_section(file, SYMBOLS, SHT_SYMTAB, 0, file->symbols, sizeof file->symbols);
  file->sections[SYMBOLS].sh_link = STRINGS;
  file->sections[SYMBOLS].sh_info = 1;                 /* the first that is not local */
  file->sections[SYMBOLS].sh_entsize = sizeof(Elf64_Sym);
  set_section(file, STRINGS, SHT_STRTAB, 0, file->strings, sizeof file->strings);
}

static void fill(struct file *file, size_t rules_length, uintptr_t code, size_t code_size, const char *name)
{
  uint32_t end = 1;

  file->header = (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                              .e_type = ET_EXEC,
                              .e_machine = HOST_ELF_MACHINE,
                              .e_version = EV_CURRENT,
                              .e_shoff = offsetof(struct file, sections),
                              .e_ehsize = sizeof(Elf64_Ehdr),
                              .e_shentsize = sizeof(Elf64_Shdr),
                              .e_shnum = SECTIONS,
                              .e_shstrndx = STRINGS};
  fill_sections(file, rules_length, code, code_size);
  file->sections[TEXT].sh_name = add_string(file, &end, ".text");
  file->sections[RULES].sh_name = add_string(file, &end, ".eh_frame");
  file->sections[SYMBOLS].sh_name = add_string(file, &end, ".symtab");
  file->sections[STRINGS].sh_name = add_string(file, &end, ".strtab");
  file->symbols[1] = (Elf64_Sym){.st_name = add_string(file, &end, name),
                                 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                 .st_shndx = TEXT,
                                 .st_value = code,
                                 .st_size = code_size};
}

void os_tell_debugger(const uint8_t *rules, size_t rules_length, uintptr_t code, size_t code_size, const char *name,
                      struct os_debugger_room *room)
{
  struct entry *entry = (struct entry *)room;

  for (size_t i = 0; i < rules_length; i++)
    entry->own.rules[i] = rules[i];
  fill(&entry->own, rules_length, code, code_size, name);
  entry->file = &entry->own;
  entry->file_size = sizeof entry->own;
  entry->next = __jit_debug_descriptor.first;
  if (entry->next)
    entry->next->previous = entry;
  __jit_debug_descriptor.first = __jit_debug_descriptor.relevant = entry;
  __jit_debug_descriptor.action = REGISTERED;
  __jit_debug_register_code();
}
