/* A second implementation of the library's src/os, that shows the subject in place of the process that the library is in. In this
 * command it takes the place of src/os/linux, as the linker finds it first. Nothing can be written, so no hook can be installed.
 *
 * The library is shown mappings as they were when the subject was opened, and copies of modules' memory. Nothing of our own is
 * among the mappings, so nothing of it takes up room that is free in the subject. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "arch.h"
#include "os/file.h"
#include "os/linux/kernel_code.h"
#include "os/maps.h"
#include "os/modules.h"
#include "os/stack.h"
#include "os/text.h"
#include "os/threads.h"
#include "process.h"

/* ---- os/maps.h ---- */

int os_maps_open(struct os_maps *maps)
{
  *maps = (struct os_maps){.descriptor = -1};
  return 0;
}

void os_maps_close(struct os_maps *maps)
{
  (void)maps;
}

bool os_maps_next(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  const struct process_mapping *found = process_mapping_above(address);

  (void)maps;
  if (found)
    *mapping = (struct os_mapping){.start = found->start,
                                   .end = found->end,
                                   .protection = found->protection,
                                   .shared_file = found->is_shared,
                                   .stack = found->is_stack};
  return found != NULL;
}

bool os_maps_find(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  return os_maps_next(maps, address, mapping) && mapping->start <= address;
}

bool os_maps_read_file(struct os_maps *maps, uintptr_t address, void *bytes, size_t size)
{
  const struct process_mapping *mapping = process_mapping_above(address);
  const struct process_module *module = subject.modules;
  ssize_t length = -1;
  int descriptor;

  (void)maps;
  if (!mapping || mapping->start > address || !mapping->inode)
    return false;
  while (module < subject.modules + subject.module_count && module->first->inode != mapping->inode)
    module++;
  descriptor = module < subject.modules + subject.module_count ? process_open_file(module) : -1;
  if (descriptor < 0)
    return false;
  length = pread(descriptor, bytes, size, (off_t)(mapping->offset + (address - mapping->start)));
  close(descriptor);
  return length == (ssize_t)size;
}

uintptr_t os_heap_end(void)
{
  return subject.heap_end;
}

/* None is made. */
size_t os_mappings_max(void)
{
  return SIZE_MAX;
}

/* ---- os/modules.h: those that were copied ---- */

uint64_t os_modules_generation(void)
{
  uint64_t copied = 0;

  for (size_t i = 0; i < subject.module_count; i++)
    copied += subject.modules[i].is_copied;
  return copied;
}

void os_modules_each(bool (*visit)(const struct os_module *module, void *user), void *user)
{
  for (size_t i = 0; i < subject.module_count; i++)
    if (subject.modules[i].is_copied && visit(&subject.modules[i].image, user))
      return;
}

/* By the names that they have on every system: "libc.so.6", "ld-linux-x86-64.so.2", "ld-musl-x86_64.so.1". */
bool os_is_libc(uintptr_t address)
{
  for (size_t i = 0; i < subject.module_count; i++) {
    const struct os_module *image = &subject.modules[i].image;
    const char *name = strrchr(image->path, '/');

    if (address >= image->low && address < image->high)
      return name && (strncmp(name, "/libc.so", 8) == 0 || strncmp(name, "/ld-", 4) == 0);
  }
  return false;
}

enum os_module_answer os_module_identify(uintptr_t address, struct os_module_identity *identity)
{
  (void)address;
  (void)identity;
  return OS_MODULE_UNKNOWN;
}

void *os_versioned_symbol(const char *symbol, const char *version)
{
  (void)symbol;
  (void)version;
  return NULL;
}

bool os_is_kernel_code(uintptr_t address, const char **name)
{
  return kernel_code_covers(address, subject.vdso, subject.vdso_end, name);
}

/* ---- os/text.h ---- */

void os_text_open(struct os_text *text)
{
  *text = (struct os_text){.descriptor = -1};
}

void os_text_close(struct os_text *text)
{
  (void)text;
}

/* Where the copy that has this page of a segment ends; 0: none has it. */
static uintptr_t copied_up_to(const struct os_module *image, uintptr_t address)
{
  for (unsigned i = 0; i < image->segment_count; i++) {
    uintptr_t end = page_up(image->segments[i].end, os_page_size());

    if (address >= page_down(image->segments[i].start, os_page_size()) && address < end)
      return end;
  }
  return 0;
}

static size_t read_copy(uintptr_t address, void *buffer, size_t size)
{
  for (size_t i = 0; i < subject.module_count; i++) {
    const struct os_module *image = &subject.modules[i].image;
    uintptr_t end = subject.modules[i].is_copied ? copied_up_to(image, address) : 0;

    if (!end)
      continue;
    size = size < end - address ? size : end - address;
    memcpy(buffer, (const void *)(address + image->shift), size);
    return size;
  }
  return 0;
}

size_t os_text_read(struct os_text *text, uintptr_t address, void *buffer, size_t size)
{
  size_t done = 0, count;

  (void)text;
  while (done < size && (count = read_copy(address + done, (char *)buffer + done, size - done)))
    done += count;
  return done + process_read(address + done, (char *)buffer + done, size - done);
}

int os_text_write(struct os_text *text, uintptr_t address, const void *bytes, size_t size)
{
  (void)text;
  (void)address;
  (void)bytes;
  (void)size;
  return EPERM;
}

bool os_text_writable(void)
{
  return false;
}

/* ---- os/file.h: of the modules ---- */

bool os_file_map(const char *path, struct os_file *file)
{
  const struct process_module *module = subject.modules;
  struct stat status;
  void *memory = MAP_FAILED;
  int descriptor;

  while (module < subject.modules + subject.module_count && strcmp(module->image.path, path) != 0)
    module++;
  descriptor = module < subject.modules + subject.module_count ? process_open_file(module) : -1;
  if (descriptor < 0)
    return false;
  if (fstat(descriptor, &status) == 0 && status.st_size > 0)
    memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  close(descriptor);
  if (memory == MAP_FAILED)
    return false;
  *file = (struct os_file){memory, (size_t)status.st_size};
  return true;
}

void os_file_unmap(struct os_file *file)
{
  munmap((void *)file->bytes, file->size);
}

/* ---- os/threads.h, os/stack.h ---- */

bool os_traced(void)
{
  return subject.is_traced;
}

/* No trap is written. */
int os_thread_that_blocks(int signal_number)
{
  (void)signal_number;
  return 0;
}

const char *os_flow_check(void)
{
  return subject.has_shadow_stack ? arch.shadow_stack : NULL;
}
