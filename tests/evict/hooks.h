/* Hooks by the thousand. */
#ifndef TESTS_EVICT_HOOKS_H
#define TESTS_EVICT_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "child.h"
#include "invariant.h"
#include "require.h"

sighook_spec spec_of(uintptr_t address, uint32_t flags);

/* Drops the addresses that sighook_check refuses; the count left. */
size_t keep_hookable(uintptr_t *addresses, size_t count);

/* All in one batch. */
bool install_all(const uintptr_t *addresses, sighook_hook *hooks, size_t count, uint32_t flags);
bool remove_all(const sighook_hook *hooks, size_t count);

/* REQUIREs the invariant everywhere in the code, prints what stands there, and gives it back. */
struct tally require_invariant(const struct code *code, const char *when);

#endif
