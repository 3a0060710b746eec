/* Loaded modules, from the dynamic loader (or, in a static program, libc's stand-in for it). */
#include "os/modules.h"

#include <link.h>
#include <sys/auxv.h>
#include "os/memory.h"

struct visit {
  bool (*visit)(const struct os_module *module, void *user);
  void *user;
};

static int read_generation(struct dl_phdr_info *info, size_t size, void *generation)
{
  (void)size;
  *(uint64_t *)generation = info->dlpi_adds + info->dlpi_subs;
  return 1;
}

uint64_t os_modules_generation(void)
{
  uint64_t generation = 0;

  dl_iterate_phdr(read_generation, &generation);
  return generation;
}

static void add_segment(struct os_module *module, const ElfW(Phdr) *header)
{
  uintptr_t start = module->base + header->p_vaddr, end = start + header->p_memsz;

  if (header->p_type == PT_GNU_EH_FRAME) {
    module->unwind = start;
    module->unwind_end = end;
  }
  if (header->p_type != PT_LOAD)
    return;
  if (!module->low || start < module->low)
    module->low = start;
  if (end > module->high)
    module->high = end;
  if (!(header->p_flags & PF_X))
    return;
  if (!module->text || start < module->text)
    module->text = start;
  if (end > module->text_end)
    module->text_end = end;
}

static int each(struct dl_phdr_info *info, size_t size, void *data)
{
  struct visit *visit = data;
  struct os_module module = {.base = info->dlpi_addr};

  (void)size;
  for (size_t i = 0; info->dlpi_name && info->dlpi_name[i] && i + 1 < sizeof module.path; i++)
    module.path[i] = info->dlpi_name[i];
  for (unsigned i = 0; i < info->dlpi_phnum; i++)
    add_segment(&module, &info->dlpi_phdr[i]);
  return visit->visit(&module, visit->user);
}

void os_modules_each(bool (*visit)(const struct os_module *module, void *user), void *user)
{
  dl_iterate_phdr(each, &(struct visit){visit, user});
}

bool os_is_kernel_code(uintptr_t address, const char **name)
{
  const uintptr_t vsyscall = UINT64_C(0xFFFFFFFFFF600000);
  uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);

  if (address >= vsyscall) {
    *name = "it is in the vsyscall page";
    return true;
  }
  if (vdso && address >= vdso && address < vdso + 2 * os_page_size()) {
    *name = "it is in the vDSO, which the kernel owns";
    return true;
  }
  return false;
}
