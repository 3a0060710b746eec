/* Reading symbols with libelf. */
#include "symbols.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *grown(void *memory, size_t count, size_t *room, size_t size)
{
  if (count < *room)
    return memory;
  *room = *room ? *room * 2 : 64;
  memory = realloc(memory, *room * size);
  if (!memory) {
    fputs("sighook: out of memory\n", stderr);
    exit(125);
  }
  return memory;
}

static void add_symbol(struct module *module, const char *name, uint64_t offset, bool is_ifunc, bool is_plt)
{
  const char *at = strchr(name, '@');
  struct symbol *symbol;

  module->symbols = grown(module->symbols, module->count, &module->room, sizeof *module->symbols);
  symbol = &module->symbols[module->count++];
  *symbol = (struct symbol){.offset = offset, .is_ifunc = is_ifunc, .is_plt = is_plt};
  symbol->name = at ? strndup(name, (size_t)(at - name)) : strdup(name);
  if (at)
    symbol->version = strdup(at + 1 + (at[1] == '@'));
}

static void read_table(struct module *module, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
  Elf_Data *data = elf_getdata(section, NULL);

  for (size_t i = 0; data && i < header->sh_size / header->sh_entsize; i++) {
    GElf_Sym symbol;
    const char *name;
    int type;

    if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF || !symbol.st_value)
      continue;
    type = GELF_ST_TYPE(symbol.st_info);
    name = elf_strptr(elf, header->sh_link, symbol.st_name);
    if ((type == STT_FUNC || type == STT_GNU_IFUNC) && name && *name)
      add_symbol(module, name, symbol.st_value, type == STT_GNU_IFUNC, false);
  }
}

/* A PLT entry jumps through its import's slot: `jmp *slot(%rip)`, perhaps behind endbr64 or bnd. */
struct plt_slot {
  uint64_t slot;
  const char *name;
};

static size_t read_slots(Elf *elf, struct plt_slot **slots)
{
  Elf_Scn *section = NULL;
  size_t count = 0, room = 0;

  *slots = NULL;
  while ((section = elf_nextscn(elf, section))) {
    GElf_Shdr header, symbols;
    Elf_Data *data;

    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA || !header.sh_entsize ||
        !gelf_getshdr(elf_getscn(elf, header.sh_link), &symbols) || symbols.sh_type != SHT_DYNSYM)
      continue;
    data = elf_getdata(section, NULL);
    for (size_t i = 0; data && i < header.sh_size / header.sh_entsize; i++) {
      GElf_Rela relocation;
      GElf_Sym symbol;

      if (!gelf_getrela(data, (int)i, &relocation) ||
          (GELF_R_TYPE(relocation.r_info) != R_X86_64_JUMP_SLOT && GELF_R_TYPE(relocation.r_info) != R_X86_64_GLOB_DAT) ||
          !gelf_getsym(elf_getdata(elf_getscn(elf, header.sh_link), NULL), (int)GELF_R_SYM(relocation.r_info), &symbol))
        continue;
      *slots = grown(*slots, count, &room, sizeof **slots);
      (*slots)[count++] = (struct plt_slot){relocation.r_offset, elf_strptr(elf, symbols.sh_link, symbol.st_name)};
    }
  }
  return count;
}

static void add_stub(struct module *module, const struct plt_slot *slots, size_t count, uint64_t slot, uint64_t entry)
{
  for (size_t i = 0; i < count; i++)
    if (slots[i].slot == slot && slots[i].name && *slots[i].name)
      add_symbol(module, slots[i].name, entry, false, true);
}

static void read_plt(struct module *module, Elf *elf)
{
  struct plt_slot *slots;
  size_t count = read_slots(elf, &slots), names;
  Elf_Scn *section = NULL;

  if (elf_getshdrstrndx(elf, &names) != 0)
    names = 0;
  while (count && (section = elf_nextscn(elf, section))) {
    GElf_Shdr header;
    const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
    Elf_Data *data = name && strncmp(name, ".plt", 4) == 0 && header.sh_type == SHT_PROGBITS ? elf_getdata(section, NULL) : NULL;
    const uint8_t *code = data ? data->d_buf : NULL;

    for (size_t at = 0; code && at + 6 <= header.sh_size; at++) {
      int32_t displacement;
      uint64_t entry = at;

      if (code[at] != 0xFF || code[at + 1] != 0x25)
        continue;
      memcpy(&displacement, code + at + 2, 4);
      if (entry && code[entry - 1] == 0xF2)
        entry--;
      if (entry >= 4 && memcmp(code + entry - 4, "\xF3\x0F\x1E\xFA", 4) == 0)
        entry -= 4;
      add_stub(module, slots, count, header.sh_addr + at + 6 + (uint64_t)(int64_t)displacement, header.sh_addr + entry);
      at += 5;
    }
  }
  free(slots);
}

void module_read_symbols(struct module *module)
{
  int descriptor;
  Elf_Scn *section = NULL;
  Elf *elf;

  if (module->symbols)
    return;
  elf_version(EV_CURRENT);
  descriptor = open(module->path, O_RDONLY | O_CLOEXEC);
  elf = descriptor < 0 ? NULL : elf_begin(descriptor, ELF_C_READ_MMAP, NULL);
  while (elf && (section = elf_nextscn(elf, section))) {
    GElf_Shdr header;

    if (gelf_getshdr(section, &header) && (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) && header.sh_entsize)
      read_table(module, elf, section, &header);
  }
  if (elf)
    read_plt(module, elf);
  elf_end(elf);
  if (descriptor >= 0)
    close(descriptor);
}

/* The load bias: where the file's first segment was mapped, less the address it asked for. */
static uint64_t bias_of(const char *path, uint64_t mapped)
{
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  Elf *elf;
  size_t count;
  uint64_t lowest = UINT64_MAX;

  elf_version(EV_CURRENT);
  elf = descriptor < 0 ? NULL : elf_begin(descriptor, ELF_C_READ, NULL);
  if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &count) != 0)
    count = 0;
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr segment;

    if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD && segment.p_vaddr < lowest)
      lowest = segment.p_vaddr & ~UINT64_C(4095);
  }
  elf_end(elf);
  if (descriptor >= 0)
    close(descriptor);
  return lowest == UINT64_MAX ? UINT64_MAX : mapped - lowest;
}

bool modules_of_process(int process, struct module **modules, size_t *count)
{
  char line[4096 + 256], name[64];
  size_t room = 0;
  FILE *maps;

  snprintf(name, sizeof name, "/proc/%d/maps", process);
  maps = fopen(name, "re");
  *modules = NULL;
  *count = 0;
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long start, offset;
    char *path = strchr(line, '/');
    uint64_t bias;

    if (!path || sscanf(line, "%lx-%*x %*s %lx", &start, &offset) != 2 || offset != 0)
      continue;
    path[strcspn(path, "\n")] = 0;
    if (*count && strcmp((*modules)[*count - 1].path, path) == 0)
      continue;
    bias = bias_of(path, start);
    if (bias == UINT64_MAX)
      continue;
    *modules = grown(*modules, *count, &room, sizeof **modules);
    (*modules)[*count] = (struct module){.path = strdup(path), .bias = bias};
    (*modules)[*count].file = strrchr((*modules)[*count].path, '/') + 1;
    ++*count;
  }
  if (maps)
    fclose(maps);
  return maps && *count;
}

void modules_free(struct module *modules, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < modules[i].count; j++) {
      free(modules[i].symbols[j].name);
      free(modules[i].symbols[j].version);
    }
    free(modules[i].symbols);
    free(modules[i].path);
  }
  free(modules);
}
