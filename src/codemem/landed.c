/* What is known of landing pages anywhere: no lock, no call. */
#include "codemem/landing.h"
#include "host/host.h"
#include "os/memory.h"
#include "table/table.h"

uintptr_t landing_target(uintptr_t pc)
{
  uintptr_t page = page_down(pc, os_page_size());

  return table_find(page).tag == TABLE_LANDING_PAGE ? host_island_target(pc, page + os_page_size() - pc) : pc;
}
