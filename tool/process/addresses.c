/* Addresses of what the command asks about, in the subject. Nothing of its code is run: what an IFUNC chose is told by the slots
 * that its loader filled in, or by our own copy of the same library. */
#include "agent/addresses.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include "process.h"

enum { NAMES_MAX = 8 };

/* An IFUNC: all its names, but for those that another version of the name makes ambiguous, since slots do not tell versions. */
struct choice {
  size_t module;
  uint64_t resolver;                   /* from the load bias */
  const char *names[NAMES_MAX];
  size_t name_count;
};

uint64_t module_bias(uint32_t module)
{
  return subject.modules[module].image.base;
}

static bool is_ambiguous(const struct module *symbols, const char *name, uint64_t offset)
{
  for (size_t i = 0; i < symbols->count; i++)
    if (symbols->symbols[i].is_ifunc && symbols->symbols[i].offset != offset && strcmp(symbols->symbols[i].name, name) == 0)
      return true;
  return false;
}

static bool find_choice(uint64_t resolver, struct choice *choice)
{
  const struct module *symbols;

  *choice = (struct choice){0};
  while (choice->module < subject.module_count && (resolver < subject.modules[choice->module].image.low ||
                                                   resolver >= subject.modules[choice->module].image.high))
    choice->module++;
  if (choice->module == subject.module_count)
    return false;
  choice->resolver = resolver - subject.modules[choice->module].image.base;
  symbols = subject.modules[choice->module].symbols;
  for (size_t i = 0; i < symbols->count && choice->name_count < NAMES_MAX; i++)
    if (symbols->symbols[i].is_ifunc && symbols->symbols[i].offset == choice->resolver &&
        !is_ambiguous(symbols, symbols->symbols[i].name, choice->resolver))
      choice->names[choice->name_count++] = symbols->symbols[i].name;
  return true;
}

static bool is_slot_of(const struct choice *choice, size_t module, const struct slot *slot)
{
  if (!slot->name)
    return module == choice->module && slot->resolver == choice->resolver;
  for (size_t i = 0; i < choice->name_count; i++)
    if (module != choice->module && strcmp(choice->names[i], slot->name) == 0)
      return true;
  return false;
}

/* Until a function is called for the first time its slot may lead back to the caller's module; and another module may have a
 * function of that name. */
static bool is_chosen(const struct choice *choice, uint64_t address)
{
  return os_module_segment(&subject.modules[choice->module].image, address, OS_EXECUTE) ||
         (address >= subject.vdso && address < subject.vdso_end);
}

/* ---- what slots tell ---- */

static uint64_t chosen(const struct choice *choice)
{
  for (size_t i = 0; i < subject.module_count; i++)
    for (size_t j = 0; j < subject.modules[i].symbols->slot_count; j++) {
      const struct slot *slot = &subject.modules[i].symbols->slots[j];
      uint64_t address;

      if (is_slot_of(choice, i, slot) &&
          process_read(subject.modules[i].image.base + slot->offset, &address, sizeof address) == sizeof address &&
          is_chosen(choice, address))
        return address;
    }
  return 0;
}

/* ---- what our own copy of the library chooses ---- */

struct own {
  const struct process_module *module; /* that is looked for */
  uint64_t base;                       /* of ours; 0: we have none */
};

static int is_own(struct dl_phdr_info *info, size_t size, void *data)
{
  struct own *own = data;

  (void)size;
  for (unsigned i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_offset == 0 && info->dlpi_addr &&
        process_begins_so(own->module, (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr), os_page_size())) {
      own->base = info->dlpi_addr;
      return 1;
    }
  return 0;
}

/* From where it is here to where it is there; the kernel's code is the same in all processes. */
static uint64_t translated(const struct choice *choice, const struct own *own, uint64_t address)
{
  uint64_t in_module = address - own->base + own->module->image.base;
  uint64_t in_kernel = address - getauxval(AT_SYSINFO_EHDR) + subject.vdso;

  return is_chosen(choice, in_module) ? in_module : is_chosen(choice, in_kernel) ? in_kernel : 0;
}

/* Our C library is that of most processes, and it chooses by the processor. Our own loader is asked, by name: what stands in the
 * file of a process that somebody else runs must not lead us anywhere. */
static uint64_t chosen_here(const struct choice *choice)
{
  struct own own = {.module = &subject.modules[choice->module]};
  const struct module *symbols = own.module->symbols;
  uint64_t address = 0;

  if (subject.is_tuned || !dl_iterate_phdr(is_own, &own))
    return 0;
  for (size_t i = 0; i < symbols->count && !address; i++) {
    const struct symbol *symbol = &symbols->symbols[i];

    if (symbol->is_ifunc && symbol->offset == choice->resolver && symbol->version)
      address = translated(choice, &own, (uint64_t)dlvsym(RTLD_DEFAULT, symbol->name, symbol->version));
  }
  return address;
}

struct ifunc_target ifunc_target(uint64_t resolver)
{
  struct ifunc_target target = {.module = UINT32_MAX};
  struct choice choice;

  if (!find_choice(resolver, &choice))
    return target;
  target.address = chosen(&choice);
  if (!target.address)
    target.address = chosen_here(&choice);
  target.offset = target.address;
  if (!os_module_segment(&subject.modules[choice.module].image, target.address, OS_EXECUTE))
    return target;
  target.module = (uint32_t)choice.module;
  target.offset = target.address - subject.modules[choice.module].image.base;
  return target;
}
