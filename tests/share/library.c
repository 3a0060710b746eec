/* Loaded libraries and the program, by the dynamic loader and by the section headers of their files. */
#define _GNU_SOURCE
#include "library.h"

#include <link.h>
#include <stdio.h>
#include <string.h>

/* Segments will not do: linkers put constants and tables into the executable one. */
static bool find_sections(const char *path, uintptr_t base, struct library *library)
{
  ElfW(Ehdr) header;
  FILE *file = fopen(path, "re");
  bool read = file && fread(&header, sizeof header, 1, file) == 1;

  for (unsigned i = 0; read && i < header.e_shnum; i++) {
    ElfW(Shdr) section;

    read = fseek(file, (long)(header.e_shoff + i * sizeof section), SEEK_SET) == 0 &&
           fread(&section, sizeof section, 1, file) == 1;
    if (!read || !(section.sh_flags & SHF_EXECINSTR) || !section.sh_size)
      continue;
    read = library->sections < LIBRARY_SECTIONS;
    if (!read)
      break;
    library->start[library->sections] = base + section.sh_addr;
    library->end[library->sections++] = base + section.sh_addr + section.sh_size;
  }
  if (file)
    fclose(file);
  return read && library->sections;
}

static int find(struct dl_phdr_info *info, size_t size, void *data)
{
  struct library *library = data;
  const char *file = strrchr(info->dlpi_name, '/');
  bool program = !*info->dlpi_name;     /* that comes first; the vDSO has a name, and no file */

  (void)size;
  if (*library->name ? !file || strncmp(file + 1, library->name, strlen(library->name)) != 0 : !program)
    return 0;
  library->table.low = UINTPTR_MAX;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;

    if (header->p_type == PT_GNU_EH_FRAME)
      library->table.header = start;
    if (header->p_type != PT_LOAD)
      continue;
    library->table.low = start < library->table.low ? start : library->table.low;
    library->table.high = end > library->table.high ? end : library->table.high;
  }
  return find_sections(program ? "/proc/self/exe" : info->dlpi_name, info->dlpi_addr, library) ? 1 : -1;
}

bool library_find(struct library *library)
{
  return dl_iterate_phdr(find, library) == 1;
}
