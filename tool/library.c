/* Telling libraries from programs: both are of one type. Programs are marked as such or, older ones, have an interpreter. So has
 * libc, but libraries have a name of their own. */
#include "library.h"

#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

struct marks {
  bool is_program, has_name, has_interpreter;
};

static void read_dynamic(Elf *elf, const GElf_Phdr *header, struct marks *marks)
{
  Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)header->p_offset, header->p_filesz, ELF_T_DYN);
  GElf_Dyn entry;

  for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
    marks->has_name |= entry.d_tag == DT_SONAME;
    marks->is_program |= entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_PIE);
  }
}

static bool read_library(Elf *elf)
{
  struct marks marks = {0};
  GElf_Phdr segment;
  GElf_Ehdr header;
  size_t count;

  if (!gelf_getehdr(elf, &header) || header.e_type != ET_DYN || elf_getphdrnum(elf, &count) != 0)
    return false;
  for (size_t i = 0; i < count; i++) {
    if (!gelf_getphdr(elf, (int)i, &segment))
      continue;
    marks.has_interpreter |= segment.p_type == PT_INTERP;
    if (segment.p_type == PT_DYNAMIC)
      read_dynamic(elf, &segment, &marks);
  }
  return !marks.is_program && (marks.has_name || !marks.has_interpreter);
}

bool library_is(const char *path)
{
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  bool is_library = false;
  Elf *elf;

  if (descriptor < 0)
    return false;
  elf_version(EV_CURRENT);
  elf = elf_begin(descriptor, ELF_C_READ_MMAP, NULL);
  if (elf && elf_kind(elf) == ELF_K_ELF)
    is_library = read_library(elf);
  elf_end(elf);
  close(descriptor);
  return is_library;
}
