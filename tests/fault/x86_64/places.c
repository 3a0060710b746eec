#define _GNU_SOURCE
#include "place.h"

#include "../evict/reach.h"
#include "../live/windows.h"

long early_branch(long), early_punned(long), early_trap(long), branch(long), late_across(long), punned(long), trap(long);
long punned_across(long), before_long(long), before_short(long), prologue(long), conditional(long), astride(long);
extern const uint8_t before_long_site[], before_short_site[], prologue_site[], conditional_site[], astride_site[];

#define AT_START(name, ...) {#name, name, (const uint8_t *)(uintptr_t)name, __VA_ARGS__}
#define INSIDE(name, ...) {#name, name, name##_site, __VA_ARGS__}
const struct place places[] = {
    AT_START(early_branch, 0, SIGHOOK_ENTRY_BRANCH),
    AT_START(early_punned, 0, SIGHOOK_ENTRY_PUNNED),
    AT_START(early_trap, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP),
    INSIDE(before_long, 0, SIGHOOK_ENTRY_EVICTED),
    INSIDE(conditional, 0, SIGHOOK_ENTRY_EVICTED),       /* reaches over */
    AT_START(branch, 0, SIGHOOK_ENTRY_BRANCH),
    AT_START(late_across, 0, SIGHOOK_ENTRY_BRANCH),           /* in two lines: in phases */
    AT_START(punned, 0, SIGHOOK_ENTRY_PUNNED),
    AT_START(punned_across, 0, SIGHOOK_ENTRY_PUNNED),
    AT_START(trap, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP),
    INSIDE(before_short, 0, SIGHOOK_ENTRY_EVICTED),
    INSIDE(prologue, 0, SIGHOOK_ENTRY_EVICTED),
    INSIDE(astride, 0, SIGHOOK_ENTRY_EVICTED),
};
const unsigned place_count = sizeof places / sizeof *places;

void places_crowd(void)
{
  reach_crowd(REACH_BREAKPOINTS);
  take_windows(before_long_site, 1);
  take_windows(before_short_site, 1);
}
