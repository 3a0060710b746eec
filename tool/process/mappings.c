/* /proc/<pid>/maps, or smaps, which begins each mapping with the same line and adds flags (Linux,
 * Documentation/filesystems/proc.rst). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "arch.h"
#include "process.h"

/* "start-end rwxp offset device inode   name"; false where the line is no mapping's first. */
static bool parse_head(char *line, struct process_mapping *mapping)
{
  char letters[5];
  int at = 0;

  *mapping = (struct process_mapping){0};
  if (sscanf(line, "%lx-%lx %4s %lx %*x:%*x %lu %n", &mapping->start, &mapping->end, letters, &mapping->offset, &mapping->inode,
             &at) != 5 || !at)
    return false;
  mapping->protection = (letters[0] == 'r' ? OS_READ : 0) | (letters[1] == 'w' ? OS_WRITE : 0) |
                        (letters[2] == 'x' ? OS_EXECUTE : 0);
  mapping->is_shared = letters[3] == 's';
  mapping->name = line + at;
  mapping->name[strcspn(mapping->name, "\n")] = 0;
  return true;
}

static void add(const struct process_mapping *mapping)
{
  struct process_mapping *added;

  subject.mappings = grown(subject.mappings, subject.mapping_count, &subject.mapping_room, sizeof *subject.mappings);
  added = &subject.mappings[subject.mapping_count++];
  *added = *mapping;
  added->name = checked(strdup(mapping->name));
  added->is_stack = strncmp(mapping->name, "[stack", 6) == 0;
  if (strcmp(mapping->name, "[heap]") == 0)
    subject.heap_end = mapping->end;
  if (strcmp(mapping->name, "[vdso]") == 0) {
    subject.vdso = mapping->start;
    subject.vdso_end = mapping->end;
  }
}

/* Guarded pages, tagged memory, shadow stacks. */
static void add_flags(const char *line)
{
  struct process_mapping *mapping = &subject.mappings[subject.mapping_count - 1];

  mapping->protection |= (strstr(line, " bt") ? OS_GUARDED : 0) | (strstr(line, " mt") ? OS_TAGGED : 0);
  subject.has_shadow_stack |= strstr(line, " ss") != NULL;
}

bool process_read_mappings(void)
{
  int descriptor = openat(subject.folder, arch_mappings(), O_RDONLY | O_CLOEXEC);
  FILE *file = descriptor >= 0 ? fdopen(descriptor, "r") : NULL;
  struct process_mapping mapping;
  char *line = NULL;
  size_t size = 0;

  if (!file && descriptor >= 0)
    close(descriptor);
  while (file && getline(&line, &size, file) > 0)
    if (parse_head(line, &mapping))
      add(&mapping);
    else if (subject.mapping_count && strncmp(line, "VmFlags:", 8) == 0)
      add_flags(line);
  free(line);
  if (file)
    fclose(file);
  return subject.mapping_count != 0;
}

const struct process_mapping *process_mapping_above(uintptr_t address)
{
  size_t low = 0, high = subject.mapping_count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (subject.mappings[middle].end <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low < subject.mapping_count ? &subject.mappings[low] : NULL;
}
