#define _GNU_SOURCE
#include "targets.h"

#include <sys/mman.h>
#include "isa/x86_64/pun.h"

enum { PAGE = 4096 };

#define EVERY(X) X(before_long) X(before_short) X(before_relative) X(before_call) X(before_branch) X(before_padding) X(before_little)
#define DECLARE(name) \
  long name(long);    \
  extern const uint8_t name##_site[], name##_next[];
EVERY(DECLARE)
#define TARGET(name) {#name, name, name##_site, name##_next},
const struct target targets[] = {EVERY(TARGET)};
const unsigned target_count = sizeof targets / sizeof *targets;

void take_windows(const uint8_t *site, unsigned length)
{
  for (unsigned prefixes = 0; prefixes < length; prefixes++) {
    struct x64_window window;

    if (!x64_pun_window((uintptr_t)site, length, prefixes, site, &window))
      continue;
    for (uint64_t page = window.first & ~(uint64_t)(PAGE - 1); page <= window.last; page += PAGE)
      mmap((void *)page, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  }
}

void targets_crowd(void)
{
  for (unsigned i = 0; i < target_count; i++)
    take_windows(targets[i].site, (unsigned)(targets[i].next - targets[i].site));
}
