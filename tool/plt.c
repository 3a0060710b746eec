/* PLT entries jump through their import's slot, whose relocation has the name. */
#include "plt.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include "arch.h"

struct plt_slot {
  uint64_t slot;
  const char *name;
};

struct plt_slots {
  struct plt_slot *all;
  size_t count, room;
};

static int by_slot(const void *a, const void *b)
{
  const struct plt_slot *left = a, *right = b;

  return (left->slot > right->slot) - (left->slot < right->slot);
}

static void read_relocations(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct plt_slots *slots)
{
  Elf_Scn *names = elf_getscn(elf, header->sh_link);
  GElf_Shdr symbols;
  Elf_Data *data = elf_getdata(section, NULL);

  if (!gelf_getshdr(names, &symbols) || symbols.sh_type != SHT_DYNSYM)
    return;
  for (size_t i = 0; data && i < header->sh_size / header->sh_entsize; i++) {
    GElf_Rela relocation;
    GElf_Sym symbol;
    uint32_t type;

    if (!gelf_getrela(data, (int)i, &relocation))
      continue;
    type = (uint32_t)GELF_R_TYPE(relocation.r_info);
    if ((type != arch.jump_slot && type != arch.global_data) ||
        !gelf_getsym(elf_getdata(names, NULL), (int)GELF_R_SYM(relocation.r_info), &symbol))
      continue;
    slots->all = grown(slots->all, slots->count, &slots->room, sizeof *slots->all);
    slots->all[slots->count++] =
        (struct plt_slot){relocation.r_offset, elf_strptr(elf, symbols.sh_link, symbol.st_name)};
  }
}

static void add_stub(struct module *module, const struct plt_slots *slots, const struct arch_stub *stub, uint64_t end)
{
  const struct plt_slot key = {.slot = stub->slot};
  const struct plt_slot *found = bsearch(&key, slots->all, slots->count, sizeof key, by_slot);

  struct symbol *symbol;

  if (!found || !found->name || !*found->name)
    return;
  symbol = module_add(module, found->name, stub->entry);
  symbol->is_plt = true;
  symbol->size = end - stub->entry;
}

static void read_stubs(struct module *module, const GElf_Shdr *header, const Elf_Data *data, const struct plt_slots *slots)
{
  struct arch_stub stub;
  size_t at = 0;

  while (data->d_buf && (at = arch_next_stub(data->d_buf, data->d_size, header->sh_addr, at, &stub)))
    add_stub(module, slots, &stub, header->sh_addr + at);
}

void plt_read(struct module *module, Elf *elf)
{
  struct plt_slots slots = {0};
  size_t names;
  GElf_Shdr header;

  for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
    if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA && header.sh_entsize)
      read_relocations(elf, section, &header, &slots);
  if (slots.count)
    qsort(slots.all, slots.count, sizeof *slots.all, by_slot);
  if (slots.count && elf_getshdrstrndx(elf, &names) == 0)
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
      const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
      Elf_Data *data = name && strncmp(name, ".plt", 4) == 0 && header.sh_type == SHT_PROGBITS
                           ? elf_getdata(section, NULL)
                           : NULL;

      if (data)
        read_stubs(module, &header, data, &slots);
    }
  free(slots.all);
}
