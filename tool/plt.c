/* PLT entries jump through their import's slot, whose relocation has the name. */
#include "plt.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include "arch.h"

static int by_offset(const void *a, const void *b)
{
  const struct slot *left = a, *right = b;

  return (left->offset > right->offset) - (left->offset < right->offset);
}

static void add_slot(struct module *module, const GElf_Rela *relocation, const char *name)
{
  module->slots = grown(module->slots, module->slot_count, &module->slot_room, sizeof *module->slots);
  module->slots[module->slot_count++] = (struct slot){.offset = relocation->r_offset,
                                                      .name = name ? checked(strdup(name)) : NULL,
                                                      .resolver = name ? 0 : (uint64_t)relocation->r_addend};
}

static void read_relocations(struct module *module, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
  Elf_Scn *names = elf_getscn(elf, header->sh_link);
  GElf_Shdr symbols;
  Elf_Data *data = elf_getdata(section, NULL);
  bool has_names = gelf_getshdr(names, &symbols) && symbols.sh_type == SHT_DYNSYM;

  for (size_t i = 0; data && i < header->sh_size / header->sh_entsize; i++) {
    GElf_Rela relocation;
    GElf_Sym symbol;
    const char *name;
    uint32_t type;

    if (!gelf_getrela(data, (int)i, &relocation))
      continue;
    type = (uint32_t)GELF_R_TYPE(relocation.r_info);
    if (type == arch.choice)
      add_slot(module, &relocation, NULL);
    if ((type != arch.jump_slot && type != arch.global_data) || !has_names ||
        !gelf_getsym(elf_getdata(names, NULL), (int)GELF_R_SYM(relocation.r_info), &symbol))
      continue;
    name = elf_strptr(elf, symbols.sh_link, symbol.st_name);
    if (name && *name)
      add_slot(module, &relocation, name);
  }
}

static void add_stub(struct module *module, const struct arch_stub *stub, uint64_t end)
{
  const struct slot key = {.offset = stub->slot};
  const struct slot *found = bsearch(&key, module->slots, module->slot_count, sizeof key, by_offset);
  struct symbol *symbol;

  if (!found || !found->name)
    return;
  symbol = module_add(module, found->name, stub->entry);
  symbol->is_plt = true;
  symbol->size = end - stub->entry;
}

static void read_stubs(struct module *module, const GElf_Shdr *header, const Elf_Data *data)
{
  struct arch_stub stub;
  size_t at = 0;

  while (data->d_buf && (at = arch_next_stub(data->d_buf, data->d_size, header->sh_addr, at, &stub)))
    add_stub(module, &stub, header->sh_addr + at);
}

void plt_read(struct module *module, Elf *elf)
{
  size_t names;
  GElf_Shdr header;

  for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
    if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA && header.sh_entsize)
      read_relocations(module, elf, section, &header);
  if (module->slot_count)
    qsort(module->slots, module->slot_count, sizeof *module->slots, by_offset);
  if (module->slot_count && elf_getshdrstrndx(elf, &names) == 0)
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
      const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
      Elf_Data *data = name && strncmp(name, ".plt", 4) == 0 && header.sh_type == SHT_PROGBITS
                           ? elf_getdata(section, NULL)
                           : NULL;

      if (data)
        read_stubs(module, &header, data);
    }
}
