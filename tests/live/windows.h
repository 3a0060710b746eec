/* Crowding single jumps out, for tests of what comes where no pun fits. */
#ifndef TESTS_LIVE_WINDOWS_H
#define TESTS_LIVE_WINDOWS_H

#include <stdint.h>
#include <sys/mman.h>
#include "isa/x86_64/pun.h"

/* Takes the pages of a window that are free. */
static inline void take_window(const struct x64_window *window)
{
  enum { PAGE_BYTES = 4096 };

  for (uint64_t page = window->first & ~(uint64_t)(PAGE_BYTES - 1); page <= window->last; page += PAGE_BYTES)
    mmap((void *)page, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/* Takes whatever the puns of a lone site of that length could land on, with fewer than `forms` prefixes, so that none of them
 * fits; what is there already will do. */
static inline void take_some_windows(const uint8_t *site, unsigned length, unsigned forms)
{
  for (unsigned prefixes = 0; prefixes < length && prefixes < forms; prefixes++) {
    struct x64_window window;

    if (x64_pun_window((uintptr_t)site, length, prefixes, site, &window))
      take_window(&window);
  }
}

/* ... with any. */
static inline void take_windows(const uint8_t *site, unsigned length)
{
  take_some_windows(site, length, length);
}

#endif
