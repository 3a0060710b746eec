/* The read side of the site table. A signal handler runs this: no lock, no call. */
#include "table/table.h"

_Atomic(struct table_view *) table_current;

struct table_value table_find(uintptr_t address)
{
  const struct table_view *view = atomic_load_explicit(&table_current, memory_order_acquire);

  if (!view)
    return (struct table_value){0};
  for (size_t slot = table_slot(view, address);; slot = (slot + 1) & view->mask) {
    uintptr_t found = atomic_load_explicit(&view->entries[slot].address, memory_order_acquire);

    if (found == address) {
      uintptr_t value = atomic_load_explicit(&view->entries[slot].value, memory_order_acquire);

      return (struct table_value){(struct site *)(value & ~(uintptr_t)TABLE_TAG), (unsigned)(value & TABLE_TAG)};
    }
    if (!found)
      return (struct table_value){0};
  }
}
