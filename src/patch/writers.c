/* The writers: moments of rwx for single stores, /proc/self/mem for what is written byte by byte. */
#include "patch/writers.h"

#include <errno.h>
#include "host/host.h"
#include "host/store.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/text.h"

/* Pages that are made writable together. */
struct window {
  uintptr_t start, end;
  unsigned protection;
};

enum { WINDOW_PAGES_MAX = 16 };

static enum { WINDOWS_UNKNOWN, WINDOWS_OPEN, WINDOWS_REFUSED } windows;

static void changed_span(const struct change *change, size_t *first, size_t *end)
{
  *first = 0;
  *end = change->length;
  while (*first < *end && change->before[*first] == change->after[*first])
    ++*first;
  while (*end > *first && change->before[*end - 1] == change->after[*end - 1])
    --*end;
}

static bool may_write_code(uintptr_t page)
{
  bool may = os_protect(page, os_page_size(), OS_READ | OS_EXECUTE) == 0 &&
             os_protect(page, os_page_size(), OS_READ | OS_WRITE | OS_EXECUTE) == 0;

  os_protect_again(page, os_page_size(), OS_READ);     /* nobody finds it writable where it cannot be freed */
  return may;
}

/* Whether the system lets code be written to for a moment, as it did last. */
static bool windows_open(void)
{
  if (!windows) {
    void *page = os_allocate(os_page_size());

    windows = page && may_write_code((uintptr_t)page) ? WINDOWS_OPEN : WINDOWS_REFUSED;
    if (page)
      os_free(page, os_page_size());
  }
  return windows == WINDOWS_OPEN;
}

bool patch_is_single_store(const struct change *change)
{
  size_t first, end;

  changed_span(change, &first, &end);
  return host_store_fits(change->address + first, end - first) && windows_open();
}

/* How far the mapping and those of the same protection right behind it reach, looked up to `end`: the kernel may keep pages that
 * were changed apart from their neighbours, and an instruction may lie across. */
static uintptr_t reach_of(struct os_maps *maps, const struct os_mapping *mapping, uintptr_t end)
{
  struct os_mapping next = *mapping;
  uintptr_t reach = mapping->end;

  while (reach < end && os_maps_find(maps, reach, &next) && next.protection == mapping->protection)
    reach = next.end;
  return reach;
}

/* The pages of `change` and of those behind it that touch or share the last page so far, inside one mapping. */
static sighook_status find_window(struct os_maps *maps, const struct change *changes, size_t count, struct window *window,
                                  struct error *error)
{
  size_t page = os_page_size();
  struct os_mapping mapping;
  uintptr_t address = changes[0].address, reach;

  bool mapped = os_maps_find(maps, address, &mapping);

  if (!mapped && maps->failure)
    return error_os(error, SIGHOOK_UNSUPPORTED, address, "read of /proc/self/maps", maps->failure);
  if (!mapped || (reach = reach_of(maps, &mapping, address + changes[0].length)) < address + changes[0].length)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "%#lx is not mapped any more", address);
  window->protection = mapping.protection;
  window->start = page_down(address, page);
  window->end = page_up(address + changes[0].length, page);
  for (size_t i = 1; i < count; i++) {
    uintptr_t end = page_up(changes[i].address + changes[i].length, page);

    if (page_down(changes[i].address, page) > window->end || end > reach ||
        end - window->start > WINDOW_PAGES_MAX * page)
      break;
    window->end = end > window->end ? end : window->end;
  }
  return SIGHOOK_OK;
}

static int open_window(const struct window *window)
{
  int failure;

  if ((window->protection & (OS_READ | OS_WRITE)) == (OS_READ | OS_WRITE))
    return 0;
  failure = os_protect(window->start, window->end - window->start, window->protection | OS_READ | OS_WRITE);
  windows = failure ? WINDOWS_REFUSED : WINDOWS_OPEN;
  return failure;
}

static int close_window(const struct window *window)
{
  if ((window->protection & (OS_READ | OS_WRITE)) == (OS_READ | OS_WRITE))
    return 0;
  return os_protect_again(window->start, window->end - window->start, window->protection);
}

sighook_status writers_conflict(const struct change *change, struct error *error)
{
  return error_set(error, SIGHOOK_CONFLICT, change->address,
                   "the bytes at %#lx are not what they were: somebody else changed them", change->address);
}

/* Whether what stays is what is expected, which the store does not compare. A breakpoint of somebody's does no harm there. */
static bool rest_stands(const struct change *change, const uint8_t *expected, size_t first, size_t end)
{
  for (size_t i = 0; i < change->length; i += HOST_INSN_ALIGN) {
    const volatile uint8_t *code = (const volatile uint8_t *)change->address + i;
    uint8_t seen[HOST_INSN_ALIGN];
    bool same = true;

    for (size_t j = 0; j < HOST_INSN_ALIGN; j++) {
      seen[j] = code[j];
      same &= seen[j] == expected[i + j];
    }
    if (!same && (i < first || i + HOST_INSN_ALIGN > end) && !host_insn_is_breakpoint(seen))
      return false;
  }
  return true;
}

static bool store(const struct change *change, const uint8_t *expected, const uint8_t *wanted, size_t first, size_t end)
{
  return rest_stands(change, expected, first, end) &&
         host_store(change->address + first, expected + first, wanted + first, end - first);
}

/* One window's worth of single stores. A system that refuses the window leaves them to the three phases. */
static sighook_status store_in_window(struct change *changes, size_t count, const struct window *window, bool restore,
                                      size_t *failed_at, struct error *error)
{
  sighook_status status = SIGHOOK_OK;
  int failure;

  if (open_window(window))
    return SIGHOOK_OK;
  for (size_t i = 0; i < count && !status; i++) {
    struct change *change = &changes[i];
    size_t first, end;

    changed_span(change, &first, &end);
    if (change->done != restore || !host_store_fits(change->address + first, end - first))
      continue;
    if (store(change, restore ? change->after : change->before, restore ? change->before : change->after, first, end)) {
      change->done = !restore;
      host_code_written(change->address + first, end - first);
      change->stored_once = true;
    } else if (!restore) {
      *failed_at = i;
      status = writers_conflict(change, error);
    }
  }
  failure = close_window(window);
  return failure && !status ? error_os(error, SIGHOOK_PROTECT_FAILED, window->start, "mprotect", failure) : status;
}

sighook_status writers_store(struct os_maps *maps, struct change *changes, size_t count, bool restore,
                                    size_t *failed_at, struct error *error)
{
  sighook_status status = SIGHOOK_OK;

  for (size_t i = 0; i < count && !status;) {
    struct window window = {0};
    size_t next = i + 1;

    *failed_at = i;
    status = find_window(maps, changes + i, count - i, &window, error);
    if (status)
      break;
    while (next < count && changes[next].address + changes[next].length <= window.end)
      next++;
    status = store_in_window(changes + i, next - i, &window, restore, failed_at, error);
    if (status && *failed_at < next - i)
      *failed_at += i;
    i = next;
  }
  return status;
}

int writers_write(const struct writers *writers, uintptr_t address, const uint8_t *bytes, size_t length)
{
  struct os_mapping mapping;
  struct window window = {.start = page_down(address, os_page_size()), .end = page_up(address + length, os_page_size())};
  int failure;

  if (os_text_writable() && os_text_write(writers->text, address, bytes, length) == 0)
    return 0;
  if (!os_maps_find(writers->maps, address, &mapping))
    return writers->maps->failure ? writers->maps->failure : EFAULT;
  window.protection = mapping.protection;
  failure = open_window(&window);
  if (failure)
    return failure;
  for (size_t i = 0; i < length; i++)
    ((volatile uint8_t *)address)[i] = bytes[i];
  host_code_written(address, length);
  return close_window(&window);
}

sighook_status writers_unreadable(const struct os_text *text, uintptr_t address, struct error *error)
{
  if (text->failure)
    return error_os(error, SIGHOOK_UNSUPPORTED, address, "read of /proc/self/mem", text->failure);
  return error_set(error, SIGHOOK_BAD_ADDRESS, address, "the code at %#lx cannot be read", address);
}
