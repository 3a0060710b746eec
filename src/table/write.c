/* The write side of the site table. Growth publishes a larger copy; the smaller one stays, since a signal handler may be
 * reading it: all of them together are no larger than the newest. */
#include "table/table.h"
#include "os/memory.h"

enum { FIRST_SLOTS = 256, LARGE_SLOTS = 1 << 20 };

static size_t memory_held;

size_t table_memory(void)
{
  return memory_held;
}

static void put(struct table_view *view, uintptr_t address, uintptr_t value)
{
  size_t slot = table_slot(view, address);

  for (;; slot = (slot + 1) & view->mask) {
    uintptr_t found = atomic_load_explicit(&view->entries[slot].address, memory_order_relaxed);

    if (found == address || !found)
      break;
  }
  if (!atomic_load_explicit(&view->entries[slot].address, memory_order_relaxed))
    view->used++;
  atomic_store_explicit(&view->entries[slot].value, value, memory_order_release);
  atomic_store_explicit(&view->entries[slot].address, address, memory_order_release);
}

bool table_reserve(size_t more)
{
  struct table_view *old = atomic_load_explicit(&table_current, memory_order_relaxed);
  size_t needed = (old ? old->used : 0) + more;
  size_t slots = old ? old->mask + 1 : FIRST_SLOTS;
  struct table_view *view;

  if (old && needed * 2 <= slots)
    return true;
  while (needed * 2 > slots)
    slots *= 2;
  view = os_allocate(page_up(sizeof *view + slots * sizeof view->entries[0], os_page_size()));
  if (!view)
    return false;
  memory_held += page_up(sizeof *view + slots * sizeof view->entries[0], os_page_size());
  if (slots >= LARGE_SLOTS)
    os_prefer_large_pages(view, slots * sizeof view->entries[0]);
  view->mask = slots - 1;
  for (size_t i = 0; old && i <= old->mask; i++) {
    uintptr_t address = atomic_load_explicit(&old->entries[i].address, memory_order_relaxed);

    if (address)
      put(view, address, atomic_load_explicit(&old->entries[i].value, memory_order_relaxed));
  }
  atomic_store_explicit(&table_current, view, memory_order_release);
  return true;
}

void table_put(uintptr_t address, struct site *site, unsigned tag)
{
  put(atomic_load_explicit(&table_current, memory_order_relaxed), address, (uintptr_t)site | tag);
}

void table_each(void (*visit)(struct site *site))
{
  struct table_view *view = atomic_load_explicit(&table_current, memory_order_relaxed);

  for (size_t i = 0; view && i <= view->mask; i++) {
    uintptr_t value = atomic_load_explicit(&view->entries[i].value, memory_order_relaxed) & ~(uintptr_t)TABLE_TAG;

    if (value)
      visit((struct site *)value);
  }
}
