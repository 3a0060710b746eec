/* What an ELF module says of its code: exported functions from memory, zones from the section headers and the symbol
 * table of its file, since neither is loaded. Every offset in the file is checked against its size. */
#include "resolve/module_facts.h"

#include <elf.h>
#include "os/file.h"
#include "os/memory.h"
#include "resolve/exports.h"
#include "resolve/shape.h"

enum {
  RSEQ_SIGNATURE = 4
}; /* the word before an abort address, which the kernel compares */

struct rseq_descriptor { /* struct rseq_cs of linux/rseq.h */
  uint32_t version, flags;
  uint64_t start, length, abort;
};

static const char rseq_why[] = "it is inside an rseq critical section, which the kernel restarts by its addresses";
static const char cancel_why[] =
    "it is inside libc's cancellable system call, whose addresses the cancel handler compares";

struct image { /* the module's file */
  const uint8_t *bytes;
  size_t size;
  Elf64_Ehdr header;
};

static bool copy(const struct image *image, uint64_t offset, void *value, size_t size)
{
  if (offset > image->size || image->size - offset < size)
    return false;
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)value)[i] = image->bytes[offset + i];
  return true;
}

static bool section_at(const struct image *image, uint64_t index, Elf64_Shdr *section)
{
  return index < image->header.e_shnum && image->header.e_shoff < image->size &&
         copy(image, image->header.e_shoff + index * sizeof *section, section, sizeof *section);
}

/* Whether the string at `offset` of a string section is `expected`. */
static bool string_is(const struct image *image, const Elf64_Shdr *strings, uint64_t offset, const char *expected)
{
  char character;

  do
    if (offset >= strings->sh_size || strings->sh_offset > image->size ||
        !copy(image, strings->sh_offset + offset++, &character, 1) || character != *expected)
      return false;
  while (*expected++);
  return true;
}

static void add_zone(struct module_facts *facts, uintptr_t start, uintptr_t end, const char *why)
{
  if (start >= end)
    return;
  if (facts->zone_count * sizeof *facts->zones == facts->zone_size) {
    size_t size = facts->zone_size ? facts->zone_size * 2 : 128 * sizeof *facts->zones;
    struct zone *zones = os_allocate(page_up(size, os_page_size()));

    if (!zones)
      return;
    for (size_t i = 0; i < facts->zone_count; i++)
      zones[i] = facts->zones[i];
    if (facts->zones)
      os_free(facts->zones, page_up(facts->zone_size, os_page_size()));
    facts->zones = zones;
    facts->zone_size = size;
  }
  facts->zones[facts->zone_count++] = (struct zone){start, end, why};
}

/* The descriptors hold relocated addresses, so they are read from memory; the file only says where they are. The instruction right
 * before a sequence belongs to it: it tells the kernel, and between that and the sequence there must be no room for the kernel to
 * find the thread elsewhere, since it would forget about the sequence. */
static void add_rseq(const struct os_module *module, const Elf64_Shdr *section, struct module_facts *facts)
{
  uintptr_t at = module->base + section->sh_addr, end = at + section->sh_size;
  const struct os_segment *segment = os_module_segment(module, at, OS_READ);

  if (!segment || end < at || end > segment->end || at % sizeof(uint64_t))
    return;
  for (; end - at >= sizeof(struct rseq_descriptor); at += sizeof(struct rseq_descriptor)) {
    const struct rseq_descriptor *descriptor = (const struct rseq_descriptor *)(at + module->shift);

    add_zone(facts, descriptor->start - 1, descriptor->start + descriptor->length, rseq_why);
    add_zone(facts, descriptor->abort - RSEQ_SIGNATURE, descriptor->abort, rseq_why);
  }
}

/* glibc's and musl's names for the same thing. Local or hidden ones, so that only the full symbol table has them. */
static bool add_cancellation(const struct image *image, const struct os_module *module, const Elf64_Shdr *table,
                             struct module_facts *facts)
{
  static const char *const names[][2] = {{"__syscall_cancel_arch_start", "__syscall_cancel_arch_end"},
                                         {"__cp_begin", "__cp_end"}};
  uintptr_t bounds[2][2] = {{0}};
  Elf64_Shdr strings;
  Elf64_Sym symbol;
  bool found = false;

  if (!section_at(image, table->sh_link, &strings))
    return false;
  for (uint64_t at = 0; at + sizeof symbol <= table->sh_size; at += sizeof symbol) {
    if (table->sh_offset > image->size || !copy(image, table->sh_offset + at, &symbol, sizeof symbol))
      return false;
    for (unsigned i = 0; i < 4 && symbol.st_shndx != SHN_UNDEF; i++)
      if (string_is(image, &strings, symbol.st_name, names[i / 2][i % 2]))
        bounds[i / 2][i % 2] = module->base + symbol.st_value;
  }
  for (unsigned i = 0; i < 2; i++)
    if (bounds[i][0] && bounds[i][1]) {
      add_zone(facts, bounds[i][0], bounds[i][1], cancel_why);
      found = true;
    }
  return found;
}

static bool begins_with(const char *text, const char *start)
{
  while (*start && *text == *start) {
    text++;
    start++;
  }
  return !*start;
}

/* Whether a C library may be in it, so that its whole symbol table is worth reading. */
static bool may_be_libc(const struct os_module *module)
{
  const char *file = module->path;

  for (const char *c = module->path; *c; c++)
    if (*c == '/')
      file = c + 1;
  return module->is_static || begins_with(file, "libc.") || begins_with(file, "libc-") ||
         begins_with(file, "libpthread") || begins_with(file, "ld-musl");
}

/* The same in libraries without a symbol table, by the bytes. */
static void find_cancellation(const struct image *image, const struct os_module *module, struct module_facts *facts)
{
  for (unsigned i = 0; i < image->header.e_phnum; i++) {
    Elf64_Phdr header;
    size_t at = 0, start, end;

    if (!copy(image, image->header.e_phoff + i * sizeof header, &header, sizeof header) || header.p_type != PT_LOAD ||
        !(header.p_flags & PF_X) || header.p_offset > image->size || image->size - header.p_offset < header.p_filesz)
      continue;
    for (; shape_find_cancellation(image->bytes + header.p_offset + at, header.p_filesz - at, &start, &end);
         at += end) {
      uintptr_t there = module->base + header.p_vaddr + at;

      add_zone(facts, there + start, there + end, cancel_why);
    }
  }
}

static void read_file(const struct os_module *module, const struct image *image, struct module_facts *facts)
{
  Elf64_Shdr section, names;
  bool is_libc = may_be_libc(module), is_found = false;

  if (image->header.e_ident[EI_MAG0] != ELFMAG0 || image->header.e_ident[EI_CLASS] != ELFCLASS64 ||
      image->header.e_shentsize != sizeof section || !section_at(image, image->header.e_shstrndx, &names))
    return;
  for (unsigned i = 0; section_at(image, i, &section); i++) {
    if ((section.sh_flags & SHF_ALLOC) && string_is(image, &names, section.sh_name, "__rseq_cs"))
      add_rseq(module, &section, facts);
    if (section.sh_type == SHT_SYMTAB && is_libc)
      is_found |= add_cancellation(image, module, &section, facts);
  }
  if (is_libc && !is_found)
    find_cancellation(image, module, facts);
}

/* Moves functions[at] down the heap, highest start on top. */
static void sift(struct function_symbol *functions, size_t at, size_t count)
{
  struct function_symbol moved = functions[at];

  for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && functions[child + 1].start > functions[child].start)
      child++;
    if (functions[child].start <= moved.start)
      break;
    functions[at] = functions[child];
    at = child;
  }
  functions[at] = moved;
}

static void sort(struct function_symbol *functions, size_t count)
{
  for (size_t i = count / 2; i-- > 0;)
    sift(functions, i, count);
  for (size_t end = count; end-- > 1;) {
    struct function_symbol highest = functions[0];

    functions[0] = functions[end];
    functions[end] = highest;
    sift(functions, 0, end);
  }
}

static bool is_function(const struct export *export, const struct os_module *module)
{
  return (export->kind == EXPORT_FUNCTION || export->kind == EXPORT_CHOICE) &&
         export->address - module->low <= UINT32_MAX && export->size <= UINT32_MAX;
}

static void read_functions(const struct os_module *module, struct module_facts *facts)
{
  struct exports exports;
  struct export export;
  size_t count = 0;

  if (!exports_open(module, &exports))
    return;
  for (size_t i = 1; i < exports.count; i++)
    count += exports_at(&exports, i, &export) && is_function(&export, module);
  facts->function_size = page_up(count * sizeof *facts->functions, os_page_size());
  facts->functions = count ? os_allocate(facts->function_size) : NULL;
  if (!facts->functions)
    return;
  for (size_t i = 1; i < exports.count; i++)
    if (exports_at(&exports, i, &export) && is_function(&export, module))
      facts->functions[facts->function_count++] =
          (struct function_symbol){(uint32_t)(export.address - module->low), (uint32_t) export.size};
  sort(facts->functions, facts->function_count);
}

void module_facts_read(const struct os_module *module, struct module_facts *facts)
{
  struct os_file file;

  *facts = (struct module_facts){0};
  read_functions(module, facts);
  if (!module->is_kernel && os_file_map(module->path, &file)) {
    struct image image = {.bytes = file.bytes, .size = file.size};

    if (copy(&image, 0, &image.header, sizeof image.header))
      read_file(module, &image, facts);
    os_file_unmap(&file);
  }
}

void module_facts_free(struct module_facts *facts)
{
  if (facts->functions)
    os_free(facts->functions, facts->function_size);
  if (facts->zones)
    os_free(facts->zones, page_up(facts->zone_size, os_page_size()));
  *facts = (struct module_facts){0};
}

/* The number of functions that start at or below `offset`. */
static size_t functions_up_to(const struct module_facts *facts, uintptr_t offset)
{
  size_t low = 0, high = facts->function_count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (facts->functions[middle].start <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

uintptr_t module_facts_next(const struct module_facts *facts, const struct os_module *module, uintptr_t address)
{
  size_t index = functions_up_to(facts, address - module->low);

  return index < facts->function_count ? module->low + facts->functions[index].start : UINTPTR_MAX;
}

bool module_facts_function(const struct module_facts *facts, const struct os_module *module, uintptr_t address,
                           uintptr_t *start, uintptr_t *end)
{
  enum {
    NAMES_OF_ONE = 16
  }; /* several names may stand for one function, some without a size */
  size_t index = functions_up_to(facts, address - module->low);

  for (unsigned i = 0; i < NAMES_OF_ONE && index > 0; i++) {
    const struct function_symbol *function = &facts->functions[--index];

    *start = module->low + function->start;
    *end = *start + function->size;
    if (function->size)
      return address < *end;
  }
  return false;
}
