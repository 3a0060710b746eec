#include "place.h"

long early_branch(long), early_second(long), early_trap(long), early_far_trap(long), early_last(long);
long branch(long), second(long), trap(long), last_trap(long);

#define AT_START(name, ...) {#name, name, (const uint8_t *)(uintptr_t)name, __VA_ARGS__}
const struct place places[] = {
    AT_START(early_branch, 0, SIGHOOK_ENTRY_BRANCH),
    AT_START(early_second, SIGHOOK_INTEGER_ONLY, SIGHOOK_ENTRY_BRANCH),
    AT_START(early_trap, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP),
    AT_START(early_far_trap, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP),
    AT_START(early_last, 0, SIGHOOK_ENTRY_BRANCH),
    AT_START(branch, 0, SIGHOOK_ENTRY_BRANCH),
    AT_START(second, 0, SIGHOOK_ENTRY_BRANCH),
    AT_START(trap, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP),
    AT_START(last_trap, SIGHOOK_FORCE_TRAP, SIGHOOK_ENTRY_TRAP),
};
const unsigned place_count = sizeof places / sizeof *places;

void places_crowd(void)
{
}
