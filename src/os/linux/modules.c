/* Loaded modules, from the dynamic loader (or, in a static program, libc's stand-in for it). */
#include "os/modules.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/auxv.h>
#include "os/linux/headers.h"
#include "os/linux/kernel_code.h"
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

/* The build id among the notes, if they lie in a readable segment. */
static void find_build_id(struct os_module *module, const ElfW(Phdr) * header)
{
  uintptr_t at = module->base + header->p_vaddr, end = at + header->p_memsz;
  const struct os_segment *segment = os_module_segment(module, at, OS_READ);

  if (header->p_type != PT_NOTE || !segment || end > segment->end || module->build_id || at % 4)
    return;
  while (at < end && end - at >= sizeof(ElfW(Nhdr))) {
    const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
    const char *name = (const char *)(note + 1);
    size_t align = header->p_align == 8 ? 8 : 4;
    uintptr_t description = (uintptr_t)name + ((note->n_namesz + align - 1) & ~(align - 1));

    if (note->n_namesz > end - at || note->n_descsz > end - at || description > end ||
        end - description < note->n_descsz)
      return;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && name[0] == 'G' && name[1] == 'N' && name[2] == 'U') {
      module->build_id = description;
      module->build_id_length = note->n_descsz < OS_MODULE_BUILD_ID ? note->n_descsz : OS_MODULE_BUILD_ID;
      return;
    }
    at = description + ((note->n_descsz + align - 1) & ~(align - 1));
  }
}

/* The program's name is what its caller chose (musl) or none (glibc): neither is a path to open. The vDSO has one in
 * glibc. */
static void set_path(struct os_module *module, bool is_program, const char *name)
{
  if (is_program)
    name = "";
  else if (module->is_kernel)
    name = "linux-vdso.so.1";
  for (size_t i = 0; name && name[i] && i + 1 < sizeof module->path; i++)
    module->path[i] = name[i];
}

static int each(struct dl_phdr_info *info, size_t size, void *data)
{
  struct visit *visit = data;
  struct os_module module = {.base = info->dlpi_addr};
  bool interpreted;
  bool is_program = (uintptr_t)info->dlpi_phdr == getauxval(AT_PHDR);
  uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);

  (void)size;
  interpreted = headers_read(&module, info->dlpi_phdr, info->dlpi_phnum);
  for (unsigned i = 0; i < info->dlpi_phnum; i++)
    find_build_id(&module, &info->dlpi_phdr[i]);
  module.is_kernel = vdso && vdso >= module.low && vdso < module.high;
  module.is_static = is_program && !interpreted;
  set_path(&module, is_program, info->dlpi_name);
  return visit->visit(&module, visit->user);
}

void os_modules_each(bool (*visit)(const struct os_module *module, void *user), void *user)
{
  dl_iterate_phdr(each, &(struct visit){visit, user});
}

struct libc_search {
  uintptr_t address;
  bool is_libc;
};

static bool covers(const struct os_module *module, uintptr_t address)
{
  return address >= module->low && address < module->high;
}

/* By a function of it that nobody stands in for, and by what the kernel says of the loader. */
static bool look_for_libc(const struct os_module *module, void *data)
{
  struct libc_search *search = data;

  if (!covers(module, search->address))
    return false;
  search->is_libc = covers(module, (uintptr_t)getauxval) || covers(module, getauxval(AT_BASE));
  return true;
}

bool os_is_libc(uintptr_t address)
{
  struct libc_search search = {.address = address};

  os_modules_each(look_for_libc, &search);
  return search.is_libc;
}

/* The head of glibc's struct dl_find_object, with room for what it may grow by. Declared here, weakly and by its name
 * in the object file, since other libraries have no such function and no header for it. */
struct found_object {
  uint64_t flags;
  uintptr_t map_start, map_end;
  const void *link_map;
  uint64_t rest[16];
};
extern int find_object(void *address, struct found_object *found) __asm__("_dl_find_object") __attribute__((weak));

enum os_module_answer os_module_identify(uintptr_t address, struct os_module_identity *identity)
{
  struct found_object found;

  if (!find_object)
    return OS_MODULE_UNKNOWN;
  if (find_object((void *)address, &found) != 0)
    return OS_MODULE_NONE;
  *identity = (struct os_module_identity){found.map_start, found.map_end, found.link_map};
  return OS_MODULE_HERE;
}

/* Weakly by its name in the object file too: a C library without symbol versions lacks it. */
extern void *find_versioned(void *scope, const char *symbol, const char *version) __asm__("dlvsym")
    __attribute__((weak));

void *os_versioned_symbol(const char *symbol, const char *version)
{
  return find_versioned ? find_versioned(RTLD_DEFAULT, symbol, version) : NULL;
}

/* How far the vDSO reaches, by its own headers. */
static uintptr_t vdso_end(uintptr_t vdso)
{
  const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)vdso;
  const ElfW(Phdr) *headers = (const ElfW(Phdr) *)(vdso + file->e_phoff);
  uintptr_t end = vdso + os_page_size();

  for (unsigned i = 0; i < file->e_phnum; i++)
    if (headers[i].p_type == PT_LOAD && vdso + headers[i].p_offset + headers[i].p_memsz > end)
      end = vdso + headers[i].p_offset + headers[i].p_memsz;
  return page_up(end, os_page_size());
}

bool os_is_kernel_code(uintptr_t address, const char **name)
{
  uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);

  return kernel_code_covers(address, vdso, vdso ? vdso_end(vdso) : 0, name);
}
