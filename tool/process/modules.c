/* Modules of a process: found by the ELF headers in its memory, whatever loader it has. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "arch.h"
#include "os/linux/headers.h"
#include "process.h"

enum { HEAD = 4096 };

static const char deleted[] = " (deleted)";

/* ---- finding them ---- */

/* A file's first mapping is read only where it is private: others may be devices, which notice that. */
static ElfW(Phdr) *read_headers(const struct process_mapping *mapping, unsigned *count)
{
  ElfW(Phdr) *headers;
  ElfW(Ehdr) header;
  size_t size;

  if (!mapping->inode || mapping->offset || mapping->is_shared || !(mapping->protection & OS_READ) ||
      process_read(mapping->start, &header, sizeof header) != sizeof header ||
      memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || !arch_runs(&header) || header.e_phentsize != sizeof *headers)
    return NULL;
  *count = header.e_phnum;
  size = header.e_phnum * sizeof *headers;
  headers = checked(malloc(size + 1));
  if (process_read(mapping->start + header.e_phoff, headers, size) == size)
    return headers;
  free(headers);
  return NULL;
}

static uintptr_t bias_of(const struct process_mapping *mapping, const ElfW(Phdr) *headers, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    if (headers[i].p_type == PT_LOAD && page_down(headers[i].p_offset, os_page_size()) == 0)
      return mapping->start - page_down(headers[i].p_vaddr, os_page_size());
  return mapping->start;
}

/* A file that was merely mapped to be read has no executable memory where its code would lie. */
static bool is_loaded(const struct os_module *image)
{
  bool has_code = false;

  for (unsigned i = 0; i < image->segment_count; i++) {
    const struct os_segment *segment = &image->segments[i];
    const struct process_mapping *mapping = process_mapping_above(segment->start);

    if (!(segment->protection & OS_EXECUTE))
      continue;
    if (!mapping || mapping->start > segment->start || !(mapping->protection & OS_EXECUTE))
      return false;
    has_code = true;
  }
  return has_code;
}

static char *path_of(const char *name, bool *is_deleted)
{
  size_t length = strlen(name), suffix = sizeof deleted - 1;

  *is_deleted = length > suffix && strcmp(name + length - suffix, deleted) == 0;
  return checked(strndup(name, *is_deleted ? length - suffix : length));
}

static void add(const struct process_mapping *mapping, const struct os_module *image)
{
  struct process_module *module;

  subject.modules = grown(subject.modules, subject.module_count, &subject.module_room, sizeof *subject.modules);
  module = &subject.modules[subject.module_count++];
  *module = (struct process_module){.image = *image, .first = mapping};
  module->path = path_of(mapping->name, &module->is_deleted);
  strncpy(module->image.path, module->path, sizeof module->image.path - 1);
}

static void look_at(const struct process_mapping *mapping)
{
  struct os_module image = {0};
  unsigned count = 0;
  ElfW(Phdr) *headers = read_headers(mapping, &count);

  if (!headers)
    return;
  image.base = bias_of(mapping, headers, count);
  for (unsigned i = 0; i < count; i++)
    if (headers[i].p_type == PT_LOAD)
      headers[i].p_memsz = headers[i].p_filesz;
  image.is_static = !headers_read(&image, headers, count);
  if (is_loaded(&image))
    add(mapping, &image);
  free(headers);
}

bool process_find_modules(uintptr_t program_headers)
{
  for (size_t i = 0; i < subject.mapping_count; i++)
    look_at(&subject.mappings[i]);
  for (size_t i = 0; i < subject.module_count; i++) {
    struct process_module module = subject.modules[i];

    if (program_headers < module.image.low || program_headers >= module.image.high)
      continue;
    memmove(subject.modules + 1, subject.modules, i * sizeof module);
    subject.modules[0] = module;
    for (size_t j = 1; j < subject.module_count; j++)
      subject.modules[j].image.is_static = false;
    return true;
  }
  return false;
}

/* ---- their files ---- */

bool process_begins_so(const struct process_module *module, const void *bytes, size_t size)
{
  char there[HEAD];
  size_t length = process_read(module->first->start, there, size < sizeof there ? size : sizeof there);

  return length >= sizeof(ElfW(Ehdr)) && memcmp(there, bytes, length) == 0;
}

static bool is_file_of(int descriptor, const struct process_module *module)
{
  char here[HEAD];
  ssize_t size = pread(descriptor, here, sizeof here, 0);

  return size > 0 && process_begins_so(module, here, (size_t)size);
}

/* The path is the process's word: to open a device could do something. */
static int try_file(int folder, const char *path, const struct process_module *module)
{
  struct stat status;
  int descriptor = -1;

  if (fstatat(folder, path, &status, 0) == 0 && S_ISREG(status.st_mode))
    descriptor = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor >= 0 && is_file_of(descriptor, module))
    return descriptor;
  if (descriptor >= 0)
    close(descriptor);
  return -1;
}

/* By the mapping itself, which only root may; as the running program; by its path, in the root of the process and in ours. */
int process_open_file(const struct process_module *module)
{
  char path[64];
  char *in_root = NULL;
  int descriptor;

  snprintf(path, sizeof path, "map_files/%lx-%lx", module->first->start, module->first->end);
  descriptor = try_file(subject.folder, path, module);
  if (descriptor < 0 && module == subject.modules)
    descriptor = try_file(subject.folder, "exe", module);
  if (descriptor >= 0 || module->is_deleted || asprintf(&in_root, "root/%s", module->path) < 0)
    return descriptor;
  descriptor = try_file(subject.folder, in_root, module);
  free(in_root);
  return descriptor >= 0 ? descriptor : try_file(AT_FDCWD, module->path, module);
}
