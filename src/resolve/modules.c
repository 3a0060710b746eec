/* The list of modules, and what their files say that memory does not: the section of restartable sequences. */
#include "resolve/modules.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include "os/file.h"
#include "os/memory.h"

struct rseq_descriptor {          /* struct rseq_cs of linux/rseq.h */
  uint32_t version, flags;
  uint64_t start, length, abort;
};

struct known_module {
  struct os_module module;
  const struct rseq_descriptor *rseq;
  size_t rseq_count;
  bool rseq_read;
};

static struct known_module *known;
static size_t known_count, known_room;
static uint64_t loader_generation, list_generation;

static bool count_module(const struct os_module *module, void *count)
{
  (void)module;
  ++*(size_t *)count;
  return false;
}

static bool add_module(const struct os_module *module, void *unused)
{
  (void)unused;
  if (known_count < known_room)
    known[known_count++] = (struct known_module){.module = *module};
  return false;
}

static void refresh(void)
{
  uint64_t generation = os_modules_generation();
  size_t count = 0;

  if (known && generation == loader_generation)
    return;
  os_modules_each(count_module, &count);
  if (count + 4 > known_room) {
    if (known)
      os_free(known, page_up(known_room * sizeof *known, os_page_size()));
    known_room = count + 16;
    known = os_allocate(page_up(known_room * sizeof *known, os_page_size()));
  }
  known_count = 0;
  if (!known)
    known_room = 0;
  os_modules_each(add_module, NULL);
  loader_generation = generation;
  list_generation++;
}

const struct os_module *modules_find(uintptr_t address)
{
  refresh();
  for (size_t i = 0; i < known_count; i++)
    if (address >= known[i].module.low && address < known[i].module.high)
      return &known[i].module;
  return NULL;
}

uint64_t modules_generation(void)
{
  return list_generation;
}

static bool is_named(const char *name, const char *end, const char *expected)
{
  while (name < end && *name == *expected && *name) {
    name++;
    expected++;
  }
  return name < end && *name == *expected;
}

/* Finds the section `__rseq_cs` in the file's section headers. Every offset is checked against the file's size. */
static void read_rseq(struct known_module *entry, const uint8_t *file, size_t size)
{
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
  const Elf64_Shdr *sections, *names;

  if (size < sizeof *header || header->e_ident[EI_MAG0] != ELFMAG0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_shentsize != sizeof *sections || header->e_shoff > size ||
      (size - header->e_shoff) / sizeof *sections < header->e_shnum || header->e_shstrndx >= header->e_shnum)
    return;
  sections = (const Elf64_Shdr *)(file + header->e_shoff);
  names = &sections[header->e_shstrndx];
  if (names->sh_offset > size || size - names->sh_offset < names->sh_size)
    return;
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const char *strings = (const char *)file + names->sh_offset;

    if (sections[i].sh_name >= names->sh_size || !(sections[i].sh_flags & SHF_ALLOC) ||
        !is_named(strings + sections[i].sh_name, strings + names->sh_size, "__rseq_cs"))
      continue;
    entry->rseq = (const struct rseq_descriptor *)(entry->module.base + sections[i].sh_addr);
    entry->rseq_count = sections[i].sh_size / sizeof *entry->rseq;
  }
}

bool modules_rseq_covers(const struct os_module *module, uintptr_t address, size_t length, uintptr_t *nearest)
{
  enum { SIGNATURE = 4 };
  struct known_module *entry = (struct known_module *)module;

  if (!entry->rseq_read) {
    struct os_file file;

    entry->rseq_read = true;
    if (os_file_map(module->path[0] ? module->path : "/proc/self/exe", &file)) {
      read_rseq(entry, file.bytes, file.size);
      os_file_unmap(&file);
    }
  }
  for (size_t i = 0; i < entry->rseq_count; i++) {
    const struct rseq_descriptor *section = &entry->rseq[i];

    if ((address < section->start + section->length && section->start < address + length) ||
        (address < section->abort && section->abort - SIGNATURE < address + length)) {
      *nearest = section->start;
      return true;
    }
  }
  return false;
}
