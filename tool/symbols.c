/* Reading symbols with libelf. */
#include "symbols.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libiberty/demangle.h>
#include "calls.h"
#include "plt.h"
#include "starts.h"

static struct module *modules_read;

void *checked(void *memory)
{
  if (!memory) {
    fputs("sighook: out of memory\n", stderr);
    exit(125);
  }
  return memory;
}

void *grown(void *memory, size_t count, size_t *room, size_t size)
{
  if (count < *room)
    return memory;
  *room = *room ? *room * 2 : 64;
  return checked(realloc(memory, *room * size));
}

static void demangle(struct symbol *symbol)
{
  if (strncmp(symbol->name, "_Z", 2) != 0 && strncmp(symbol->name, "_R", 2) != 0)
    return;
  symbol->plain = cplus_demangle(symbol->name, DMGL_AUTO);
  symbol->full = symbol->plain ? cplus_demangle(symbol->name, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI) : NULL;
}

struct symbol *module_add(struct module *module, const char *name, uint64_t offset)
{
  const char *at = strchr(name, '@');
  struct symbol *symbol;

  module->symbols = grown(module->symbols, module->count, &module->room, sizeof *module->symbols);
  symbol = &module->symbols[module->count++];
  *symbol = (struct symbol){.offset = offset};
  symbol->name = checked(at ? strndup(name, (size_t)(at - name)) : strdup(name));
  if (at) {
    symbol->is_old = at[1] != '@';
    symbol->version = checked(strdup(at + 1 + !symbol->is_old));
  }
  demangle(symbol);
  return symbol;
}

const char *symbol_shown(const struct symbol *symbol)
{
  return symbol->plain ? symbol->plain : symbol->name;
}

/* Where the versions of dynamic symbols are written. */
struct versions {
  Elf_Data *numbers;      /* one a symbol */
  Elf_Data *definitions;
  size_t names;           /* section of the definitions' texts */
};

static struct versions find_versions(Elf *elf)
{
  struct versions versions = {0};
  GElf_Shdr header;

  for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
    if (!gelf_getshdr(section, &header))
      continue;
    if (header.sh_type == SHT_GNU_versym)
      versions.numbers = elf_getdata(section, NULL);
    if (header.sh_type == SHT_GNU_verdef) {
      versions.definitions = elf_getdata(section, NULL);
      versions.names = header.sh_link;
    }
  }
  return versions;
}

static void set_version(struct symbol *symbol, Elf *elf, const struct versions *versions, int index)
{
  GElf_Versym number;
  GElf_Verdef definition;
  GElf_Verdaux text;
  int at = 0;

  if (!versions->numbers || !versions->definitions || !gelf_getversym(versions->numbers, index, &number) ||
      (number & 0x7FFF) <= VER_NDX_GLOBAL)
    return;
  while (gelf_getverdef(versions->definitions, at, &definition)) {
    if (definition.vd_ndx == (number & 0x7FFF)) {
      const char *name = gelf_getverdaux(versions->definitions, at + (int)definition.vd_aux, &text)
                             ? elf_strptr(elf, versions->names, text.vda_name)
                             : NULL;

      symbol->version = name ? strdup(name) : NULL;
      symbol->is_old = (number & 0x8000) != 0;             /* "hidden": not for new links */
      return;
    }
    if (!definition.vd_next)
      return;
    at += (int)definition.vd_next;
  }
}

static void read_table(struct module *module, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
  Elf_Data *data = elf_getdata(section, NULL);
  struct versions versions = header->sh_type == SHT_DYNSYM ? find_versions(elf) : (struct versions){0};

  for (size_t i = 0; data && i < header->sh_size / header->sh_entsize; i++) {
    GElf_Sym symbol;
    struct symbol *added;
    const char *name;
    int type;

    if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF || !symbol.st_value)
      continue;
    type = GELF_ST_TYPE(symbol.st_info);
    name = elf_strptr(elf, header->sh_link, symbol.st_name);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !name || !*name)
      continue;
    added = module_add(module, name, symbol.st_value);
    added->is_ifunc = type == STT_GNU_IFUNC;
    added->size = symbol.st_size;
    set_version(added, elf, &versions, (int)i);
  }
}

static void read_symbols(struct module *module, int descriptor, bool with_nameless)
{
  GElf_Shdr header;
  Elf *elf;

  elf_version(EV_CURRENT);
  elf = elf_begin(descriptor, ELF_C_READ_MMAP, NULL);
  if (elf && elf_kind(elf) == ELF_K_ELF) {
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
      if (gelf_getshdr(section, &header) && (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) &&
          header.sh_entsize)
        read_table(module, elf, section, &header);
    plt_read(module, elf);
    calls_read(module, elf, descriptor);
    if (with_nameless)
      starts_read(module, elf, descriptor);
  }
  elf_end(elf);
}

static struct module *find_read(const char *path, const struct stat *status)
{
  for (struct module *module = modules_read; module; module = module->next)
    if (module->inode == status->st_ino && module->device == status->st_dev &&
        module->changed.tv_sec == status->st_mtim.tv_sec && module->changed.tv_nsec == status->st_mtim.tv_nsec &&
        strcmp(module->path, path) == 0)
      return module;
  return NULL;
}

const struct module *module_read_file(const char *path, int descriptor, bool with_nameless)
{
  struct stat status = {0};
  struct module *module;

  if (descriptor >= 0)
    fstat(descriptor, &status);
  module = find_read(path, &status);
  if (!module) {
    module = checked(calloc(1, sizeof *module));
    module->path = checked(strdup(path));
    module->file = strrchr(module->path, '/') ? strrchr(module->path, '/') + 1 : module->path;
    module->device = status.st_dev;
    module->inode = status.st_ino;
    module->changed = status.st_mtim;
    module->next = modules_read;
    modules_read = module;
    if (S_ISREG(status.st_mode))
      read_symbols(module, descriptor, with_nameless);
  }
  return module;
}

const struct module *module_read(const char *path, int process, bool with_nameless)
{
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;      /* a target may name a pipe */
  char seen[4352];
  const struct module *module;
  int descriptor;

  snprintf(seen, sizeof seen, "/proc/%d/%s/%s", process, path[0] == '/' ? "root" : "cwd", path);
  descriptor = open(seen, flags);
  if (descriptor < 0)
    descriptor = open(path, flags);
  module = module_read_file(path, descriptor, with_nameless);
  if (descriptor >= 0)
    close(descriptor);
  return module;
}

const char *module_name_at(const struct module *module, uint64_t offset)
{
  for (size_t i = 0; i < module->count; i++)
    if (module->symbols[i].offset == offset && !module->symbols[i].is_ifunc && *module->symbols[i].name)
      return symbol_shown(&module->symbols[i]);
  return NULL;
}
