/* Copies of modules' memory. What a module's file has is taken from the file, and only pages that the process changed (relocated
 * data, patched code) from its memory: reading a page there would bring it in, and make the process larger. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "process.h"

/* Linux, Documentation/admin-guide/mm/pagemap.rst: one word a page. */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61)

struct source {
  const struct process_module *module;
  int file, pages;                     /* the module's file, and pagemap; negative: not to be had */
  uint64_t file_size;
};

static struct source open_source(const struct process_module *module)
{
  struct source source = {.module = module,
                          .file = process_open_file(module),
                          .pages = openat(subject.folder, "pagemap", O_RDONLY | O_CLOEXEC)};
  struct stat status;

  if (source.file >= 0 && fstat(source.file, &status) == 0)
    source.file_size = (uint64_t)status.st_size;
  return source;
}

static void close_source(const struct source *source)
{
  if (source->file >= 0)
    close(source->file);
  if (source->pages >= 0)
    close(source->pages);
}

/* What cannot be read stays as it is. */
static void copy_memory(char *to, uintptr_t start, uintptr_t end)
{
  size_t page = os_page_size();

  while (start < end) {
    size_t count = page_down(process_read(start, to, end - start), page);

    count = count ? count : page;
    start += count;
    to += count;
  }
}

static bool map_file(const struct source *source, const struct process_mapping *mapping, char *to, uintptr_t start,
                     uintptr_t end)
{
  uint64_t offset = mapping->offset + (start - mapping->start);

  return mapping->inode == source->module->first->inode && strcmp(mapping->name, source->module->first->name) == 0 &&
         offset + (end - start) <= page_up(source->file_size, os_page_size()) &&
         mmap(to, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, source->file, (off_t)offset) != MAP_FAILED;
}

static bool is_changed(uint64_t page)
{
  return page & (PAGE_PRESENT | PAGE_SWAPPED) && !(page & PAGE_OF_FILE);
}

static void copy_changed(const struct source *source, char *to, uintptr_t start, uintptr_t end)
{
  size_t page = os_page_size(), count = (end - start) / page, size = count * sizeof(uint64_t);
  uint64_t *pages = checked(malloc(size));

  if (pread(source->pages, pages, size, (off_t)(start / page * sizeof *pages)) != (ssize_t)size)
    copy_memory(to, start, end);
  else
    for (size_t i = 0; i < count; i++)
      if (is_changed(pages[i]))
        copy_memory(to + i * page, start + i * page, start + (i + 1) * page);
  free(pages);
}

static void copy_part(const struct source *source, const struct process_mapping *mapping, char *to, uintptr_t start,
                      uintptr_t end)
{
  if (source->file >= 0 && map_file(source, mapping, to, start, end))
    copy_changed(source, to, start, end);
  else
    copy_memory(to, start, end);
}

static void copy_segment(const struct source *source, char *to, uintptr_t start, uintptr_t end)
{
  const struct process_mapping *mapping;

  for (uintptr_t at = start; at < end && (mapping = process_mapping_above(at)) && mapping->start < end; at = mapping->end) {
    at = mapping->start > at ? mapping->start : at;
    copy_part(source, mapping, to + (at - start), at, mapping->end < end ? mapping->end : end);
  }
}

bool process_copy(struct process_module *module)
{
  struct os_module *image = &module->image;
  size_t page = os_page_size();
  uintptr_t low = page_down(image->low, page);
  struct source source;
  char *copy;

  if (module->is_copied)
    return true;
  copy = mmap(NULL, page_up(image->high, page) - low, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (copy == MAP_FAILED)
    return false;
  source = open_source(module);
  for (unsigned i = 0; i < image->segment_count; i++) {
    uintptr_t start = page_down(image->segments[i].start, page);

    copy_segment(&source, copy + (start - low), start, page_up(image->segments[i].end, page));
  }
  close_source(&source);
  image->shift = (uintptr_t)copy - low;
  module->is_copied = true;
  return true;
}
