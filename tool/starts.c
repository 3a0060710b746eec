/* .eh_frame_hdr and .eh_frame, read by the library's own reader from a mapping of the file. */
#include "starts.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool map_segment(struct file_unwind *image, const GElf_Phdr *segment, int descriptor)
{
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), skipped = segment->p_offset % page;
  struct stat status;

  if (fstat(descriptor, &status) != 0 || segment->p_offset >= (uint64_t)status.st_size ||
      segment->p_filesz > (uint64_t)status.st_size - segment->p_offset)
    return false;
  image->size = segment->p_filesz + skipped;
  image->memory = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, descriptor, (off_t)(segment->p_offset - skipped));
  if (image->memory == MAP_FAILED)
    return false;
  image->table.low = segment->p_vaddr;
  image->table.high = segment->p_vaddr + segment->p_filesz;
  image->table.shift = (uintptr_t)image->memory + skipped - segment->p_vaddr;
  return true;
}

bool file_unwind_open(struct file_unwind *image, Elf *elf, int descriptor)
{
  GElf_Phdr header, unwind = {0};
  size_t count;

  if (elf_getphdrnum(elf, &count) != 0)
    return false;
  for (size_t i = 0; i < count; i++)
    if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_GNU_EH_FRAME)
      unwind = header;
  for (size_t i = 0; unwind.p_type && i < count; i++)
    if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD && unwind.p_vaddr >= header.p_vaddr &&
        unwind.p_vaddr - header.p_vaddr < header.p_filesz) {
      if (!map_segment(image, &header, descriptor))
        return false;
      image->table.header = unwind.p_vaddr;
      return true;
    }
  return false;
}

void file_unwind_close(struct file_unwind *image)
{
  munmap(image->memory, image->size);
}

/* Stubs of imports have one entry for all of them, and names of their own. */
static bool is_stub(Elf *elf, uint64_t address)
{
  GElf_Shdr header;
  size_t names;

  if (elf_getshdrstrndx(elf, &names) != 0)
    return false;
  for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
    if (gelf_getshdr(section, &header) && header.sh_type == SHT_PROGBITS && address - header.sh_addr < header.sh_size) {
      const char *name = elf_strptr(elf, names, header.sh_name);

      return name && strncmp(name, ".plt", 4) == 0;
    }
  return false;
}

static int by_offset(const void *a, const void *b)
{
  const struct symbol *left = *(struct symbol *const *)a, *right = *(struct symbol *const *)b;

  return (left->offset > right->offset) - (left->offset < right->offset);
}

/* The symbols that stand for the code at their own address; an IFUNC's stands for the code that it chooses. */
static struct symbol **sorted(struct module *module, size_t *count)
{
  struct symbol **list = checked(calloc(module->count + 1, sizeof *list));

  *count = 0;
  for (size_t i = 0; i < module->count; i++)
    if (!module->symbols[i].is_ifunc)
      list[(*count)++] = &module->symbols[i];
  if (*count)
    qsort(list, *count, sizeof *list, by_offset);
  return list;
}

struct start {
  uint64_t offset, size;
};

void starts_read(struct module *module, Elf *elf, int descriptor)
{
  struct file_unwind image = {0};
  struct eh_function function;
  struct start *nameless = NULL;
  size_t count = 0, room = 0, symbols, at = 0;
  struct symbol **list;

  if (!file_unwind_open(&image, elf, descriptor))
    return;
  list = sorted(module, &symbols);
  for (uintptr_t start = 0; (start = eh_next_start(&image.table, start)) != UINTPTR_MAX;) {
    uint64_t offset = start, size;

    if (!eh_find(&image.table, start, &function) || function.start != start)
      continue;
    size = function.end - start;
    offset += function.is_signal_frame;            /* its entry begins a byte early, for the unwinders' sake */
    size -= function.is_signal_frame;
    while (at < symbols && list[at]->offset < offset)
      at++;
    if ((at == symbols || list[at]->offset != offset) && !is_stub(elf, offset)) {
      nameless = grown(nameless, count, &room, sizeof *nameless);
      nameless[count++] = (struct start){offset, size};
    }
    for (; at < symbols && list[at]->offset == offset; at++)
      list[at]->size = list[at]->size ? list[at]->size : size;
  }
  free(list);
  file_unwind_close(&image);
  for (size_t i = 0; i < count; i++)
    module_add(module, "", nameless[i].offset)->size = nameless[i].size;
  free(nameless);
}
