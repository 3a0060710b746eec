/* The live patching protocol over the writers: moments of rwx for single stores, /proc/self/mem for byte-wise phases. */
#include "patch/patch.h"

#include <errno.h>
#include "host/host.h"
#include "host/store.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/sync.h"
#include "os/text.h"
#include "trap/trap.h"

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

/* Whether the system lets code be written to for a moment, as it did last. */
static bool windows_open(void)
{
  if (!windows) {
    void *page = os_allocate(os_page_size());

    windows = page && os_protect((uintptr_t)page, os_page_size(), OS_READ | OS_EXECUTE) == 0 &&
                      os_protect((uintptr_t)page, os_page_size(), OS_READ | OS_WRITE | OS_EXECUTE) == 0
                  ? WINDOWS_OPEN
                  : WINDOWS_REFUSED;
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

bool patch_is_start(const struct change *change, size_t offset)
{
  return change->starts ? change->starts[offset] : offset == 0;
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

  if (!os_maps_find(maps, address, &mapping) ||
      (reach = reach_of(maps, &mapping, address + changes[0].length)) < address + changes[0].length)
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

static void close_window(const struct window *window)
{
  if ((window->protection & (OS_READ | OS_WRITE)) != (OS_READ | OS_WRITE))
    os_protect(window->start, window->end - window->start, window->protection);
}

static sighook_status conflict(const struct change *change, struct error *error)
{
  return error_set(error, SIGHOOK_CONFLICT, change->address,
                   "the bytes at %#lx are not what they were: somebody else changed them", change->address);
}

/* One window's worth of single stores. A system that refuses the window leaves them to the three phases. */
static sighook_status store_in_window(struct change *changes, size_t count, const struct window *window, bool restore,
                                      size_t *failed_at, struct error *error)
{
  sighook_status status = SIGHOOK_OK;

  if (open_window(window))
    return SIGHOOK_OK;
  for (size_t i = 0; i < count && !status; i++) {
    struct change *change = &changes[i];
    size_t first, end;

    changed_span(change, &first, &end);
    if (change->done != restore || !host_store_fits(change->address + first, end - first))
      continue;
    if (host_store(change->address + first, (restore ? change->after : change->before) + first,
                   (restore ? change->before : change->after) + first, end - first)) {
      change->done = !restore;
      host_code_written(change->address + first, end - first);
      change->stored_once = true;
    } else if (!restore) {
      *failed_at = i;
      status = conflict(change, error);
    }
  }
  close_window(window);
  return status;
}

static sighook_status single_stores(struct os_maps *maps, struct change *changes, size_t count, bool restore,
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

/* Byte-wise writing for the three phases, by whichever writer works. */
static int write_bytes(struct os_text *text, uintptr_t address, const uint8_t *bytes, size_t length)
{
  struct os_mapping mapping;
  struct os_maps maps;
  struct window window = {.start = page_down(address, os_page_size()), .end = page_up(address + length, os_page_size())};
  int failure = os_text_writable() ? os_text_write(text, address, bytes, length) : EIO;

  if (!failure)
    return 0;
  failure = os_maps_open(&maps);
  if (failure)
    return failure;
  failure = os_maps_find(&maps, address, &mapping) ? 0 : EFAULT;
  os_maps_close(&maps);
  window.protection = mapping.protection;
  if (!failure)
    failure = open_window(&window);
  if (failure)
    return failure;
  for (size_t i = 0; i < length; i++)
    ((volatile uint8_t *)address)[i] = bytes[i];
  host_code_written(address, length);
  close_window(&window);
  return 0;
}

enum phase { PHASE_TRAPS, PHASE_REST, PHASE_STARTS };

/* What another jump of the change leans on, before or after, stands there throughout. */
static const uint8_t *trap_at(const struct change *change, size_t offset)
{
  return change->starts && change->starts[offset] > 1 ? &change->starts[offset] : host_trap;
}

/* What is written at a start is one trap's length, in every phase that writes there. */
static int write_phase(struct os_text *text, const struct change *change, enum phase phase, const uint8_t *final)
{
  size_t end;
  int failure = 0;

  for (size_t i = 0; i < change->length && !failure; i = end) {
    bool start = patch_is_start(change, i);

    end = i + (start ? HOST_TRAP_LENGTH : 1);
    while (!start && end < change->length && !patch_is_start(change, end))
      end++;
    if (start && phase == PHASE_TRAPS)
      failure = write_bytes(text, change->address + i, trap_at(change, i), HOST_TRAP_LENGTH);
    else if (start ? phase == PHASE_STARTS : phase == PHASE_REST)
      failure = write_bytes(text, change->address + i, final + i, end - i);
  }
  return failure;
}

static bool stands(struct os_text *text, const struct change *change, const uint8_t *expected)
{
  for (size_t i = 0; i < change->length;) {
    uint8_t seen[64];
    size_t part = change->length - i < sizeof seen ? change->length - i : sizeof seen;

    if (os_text_read(text, change->address + i, seen, part) != part)
      return false;
    for (size_t j = 0; j < part; j++)
      if (seen[j] != expected[i + j])
        return false;
    i += part;
  }
  return true;
}

/* Copies every page that will be written, so that no later write can fail for want of memory. */
static int unshare(struct os_text *text, const struct change *change)
{
  size_t page = os_page_size();

  for (uintptr_t at = change->address; at < change->address + change->length; at = page_down(at, page) + page) {
    int failure = write_bytes(text, at, change->before + (at - change->address), 1);

    if (failure)
      return failure;
  }
  return 0;
}

static sighook_status check_before(struct os_text *text, struct change *changes, size_t count, size_t *failed_at,
                                   struct error *error)
{
  for (size_t i = 0; i < count; i++) {
    int failure;

    if (changes[i].done)
      continue;
    *failed_at = i;
    if (!stands(text, &changes[i], changes[i].before))
      return conflict(&changes[i], error);
    failure = unshare(text, &changes[i]);
    if (failure)
      return error_os(error, SIGHOOK_PROTECT_FAILED, changes[i].address, "write to code", failure);
  }
  return SIGHOOK_OK;
}

/* All changes not done yet, or with `restore` all those done in phases, in three phases together. */
static void run_phases(struct os_text *text, struct change *changes, size_t count, bool restore)
{
  for (enum phase phase = PHASE_TRAPS; phase <= PHASE_STARTS; phase++) {
    for (size_t i = 0; i < count; i++)
      if (changes[i].done == restore)
        write_phase(text, &changes[i], phase, restore ? changes[i].before : changes[i].after);
    os_sync_core();
  }
  for (size_t i = 0; i < count; i++)
    changes[i].done = !restore;
}

static sighook_status three_phases(struct os_text *text, struct change *changes, size_t count, size_t *failed_at, struct error *error)
{
  sighook_status status;

  if (!os_sync_works())
    return error_set(error, SIGHOOK_UNSUPPORTED, changes[*failed_at].address,
                     "the bytes at %#lx cannot be changed by one store, and the system refuses membarrier SYNC_CORE",
                     changes[*failed_at].address);
  status = trap_start(error);        /* also where a single store was meant, and the system refused it */
  if (!status)
    status = check_before(text, changes, count, failed_at, error);
  if (!status)
    run_phases(text, changes, count, false);
  return status;
}

sighook_status patch_apply(struct os_maps *maps, struct os_text *text, struct change *changes, size_t count,
                           size_t *failed_at, struct error *error)
{
  sighook_status status;
  size_t at = 0, ignored;
  struct error nothing;

  for (size_t i = 0; i < count; i++)
    changes[i].done = changes[i].stored_once = false;
  status = single_stores(maps, changes, count, false, &at, error);
  for (size_t i = 0; i < count && !status; i++)
    if (!changes[i].done) {
      at = i;
      status = three_phases(text, changes, count, &at, error);
      break;
    }
  if (status)
    single_stores(maps, changes, count, true, &ignored, &nothing);
  if (os_sync_works())
    os_sync_core();
  if (status && failed_at)
    *failed_at = at;
  return status;
}
