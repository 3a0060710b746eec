/* The process's mappings: by the query call on /proc/self/maps where the kernel has it (6.11), by reading the list elsewhere. */
#include "os/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include "raw_syscall.h"
#include "os/linux/maps_text.h"
#include "os/linux/own.h"
#include "os/linux/protection.h"
#include "os/memory.h"

enum { ASKED_MAX = 256, FIRST_SPANS = 512 };
enum { VMA_READABLE = 1, VMA_WRITABLE = 2, VMA_EXECUTABLE = 4, VMA_SHARED = 8, COVERING_OR_NEXT = 0x10 };

static void from_answer(const struct procmap_query *answer, const char *name, struct os_mapping *mapping)
{
  *mapping = (struct os_mapping){
      .start = answer->vma_start,
      .end = answer->vma_end,
      .protection = (answer->vma_flags & VMA_READABLE ? OS_READ : 0) | (answer->vma_flags & VMA_WRITABLE ? OS_WRITE : 0) |
                    (answer->vma_flags & VMA_EXECUTABLE ? OS_EXECUTE : 0),
      .shared_file = answer->vma_flags & VMA_SHARED,
      .stack = name && same_text(name, "[stack"),
  };
}

static int read_list(struct os_maps *maps)
{
  for (;;) {
    long count;

    if (maps->length + 4096 > maps->size) {
      size_t size = maps->size ? maps->size * 2 : 64 * 1024;
      char *text = os_allocate(size);

      if (!text)
        return ENOMEM;
      for (size_t i = 0; i < maps->length; i++)
        text[i] = maps->text[i];
      if (maps->text)
        os_free(maps->text, maps->size);
      maps->text = text;
      maps->size = size;
    }
    count = host_syscall3(SYS_read, maps->descriptor, maps->text + maps->length, maps->size - maps->length - 1);
    if (count < 0)
      return (int)-count;
    if (count == 0)
      return 0;
    maps->length += (size_t)count;
  }
}

int os_maps_open(struct os_maps *maps)
{
  static atomic_bool queries_work;      /* told by the kernel once; it does not forget */
  struct procmap_query answer;
  int failure = 0;

  *maps = (struct os_maps){.queries = true};
  maps->descriptor = (int)own_open("maps", O_RDONLY);
  if (maps->descriptor < 0)
    return -maps->descriptor;
  if (atomic_load_explicit(&queries_work, memory_order_relaxed) || maps_query(maps, 0, COVERING_OR_NEXT, NULL, &answer) == 0) {
    atomic_store_explicit(&queries_work, true, memory_order_relaxed);
    return 0;
  }
  maps->queries = false;
  failure = read_list(maps);
  if (failure)
    os_maps_close(maps);
  return failure;
}

static void forget_spans(struct os_maps *maps)
{
  if (maps->spans)
    os_free(maps->spans, maps->span_room * sizeof *maps->spans);
  maps->spans = NULL;
  maps->span_count = 0;
}

void os_maps_close(struct os_maps *maps)
{
  host_syscall1(SYS_close, maps->descriptor);
  if (maps->text)
    os_free(maps->text, maps->size);
  maps->text = NULL;
  forget_spans(maps);
}

/* From now on by the list. */
static void stop_asking(struct os_maps *maps)
{
  maps->queries = false;
  maps->failure = read_list(maps);
}

/* One question; false where no mapping is the answer, or where the system does not answer, so that the list has to be read. */
static bool ask(struct os_maps *maps, uintptr_t address, uint64_t flags, char *name, struct os_mapping *mapping)
{
  struct procmap_query answer;
  long failure = maps_query(maps, address, flags, name, &answer);

  if (!failure)
    from_answer(&answer, name, mapping);
  else if (failure != -ENOENT)
    stop_asking(maps);
  return !failure;
}

static bool read_next(const struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  for (const char *line = maps->text; line < maps->text + maps->length;) {
    line = parse_line(line, mapping);
    if (mapping->end > address)
      return true;
  }
  return false;
}

static bool ask_next(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  char name[NAME_LENGTH];

  return ask(maps, address, COVERING_OR_NEXT, name, mapping);
}

/* False where there is no room for all. */
static bool fill_spans(struct os_maps *maps)
{
  const char *line = maps->text;
  struct os_mapping mapping = {0};
  bool asking = maps->queries;

  maps->span_count = 0;
  while (asking ? ask_next(maps, mapping.end, &mapping) : line < maps->text + maps->length) {
    struct os_span *last = maps->span_count ? &maps->spans[maps->span_count - 1] : NULL;

    if (!asking)
      line = parse_line(line, &mapping);
    if (last && last->end == mapping.start && !last->stack && !mapping.stack)
      last->end = mapping.end;
    else if (maps->span_count == maps->span_room)
      return false;
    else
      maps->spans[maps->span_count++] = (struct os_span){mapping.start, mapping.end, mapping.stack};
  }
  return asking == maps->queries || fill_spans(maps);
}

/* A question costs the kernel a microsecond, and searches ask by the ten thousand. Their own memory is there before it is asked what
 * is, so that it is among that. */
static void write_down(struct os_maps *maps)
{
  for (maps->span_room = FIRST_SPANS;; maps->span_room *= 2) {
    maps->spans = os_allocate(maps->span_room * sizeof *maps->spans);
    if (!maps->spans || fill_spans(maps))
      return;
    forget_spans(maps);
  }
}

static bool find_span(const struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  size_t low = 0, high = maps->span_count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (maps->spans[middle].end <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == maps->span_count)
    return false;
  *mapping = (struct os_mapping){.start = maps->spans[low].start, .end = maps->spans[low].end, .stack = maps->spans[low].stack};
  return true;
}

bool os_maps_next(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  if (++maps->asked == ASKED_MAX)
    write_down(maps);
  if (maps->span_count)
    return find_span(maps, address, mapping);
  return (maps->queries && ask_next(maps, address, mapping)) || (!maps->queries && read_next(maps, address, mapping));
}

/* What the list does not show of code, which has to survive a change of its protection. */
static bool add_extras(struct os_maps *maps, struct os_mapping *mapping)
{
  if (!(mapping->protection & OS_EXECUTE))
    return true;
  if (maps->extras_start != mapping->start || maps->extras_end != mapping->end) {
    maps->failure = protection_extras(mapping->start, &maps->extras);
    if (maps->failure)
      return false;
    maps->extras_start = mapping->start;
    maps->extras_end = mapping->end;
  }
  mapping->protection |= maps->extras;
  return true;
}

static bool find(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  if (maps->queries && ask(maps, address, 0, NULL, mapping))
    return true;
  return !maps->queries && read_next(maps, address, mapping) && mapping->start <= address;
}

bool os_maps_find(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping)
{
  return find(maps, address, mapping) && add_extras(maps, mapping);
}

uintptr_t os_heap_end(void)
{
  return (uintptr_t)host_syscall1(SYS_brk, 0);
}

size_t os_mappings_max(void)
{
  enum { USUAL = 65530 };              /* Linux, Documentation/admin-guide/sysctl/vm.rst */
  char digits[24];
  size_t count = 0;
  long descriptor = host_syscall4(SYS_openat, AT_FDCWD, "/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC, 0), length;

  if (descriptor < 0)
    return USUAL;
  length = host_syscall3(SYS_read, descriptor, digits, sizeof digits);
  host_syscall1(SYS_close, descriptor);
  for (long i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; i++)
    count = count * 10 + (size_t)(digits[i] - '0');
  return count ? count : USUAL;
}
