/* Chance that can be repeated. */
#ifndef TESTS_SHARE_CHANCE_H
#define TESTS_SHARE_CHANCE_H

#include <stddef.h>
#include <stdint.h>

/* xorshift64*: the same numbers for the same seed. */
uint64_t random_next(uint64_t *state);

/* SIGHOOK_SEED, or a new one each time; printed. Never 0. */
uint64_t random_seed(void);

/* Items of 64 bytes at most. */
void shuffle(void *items, size_t count, size_t size, uint64_t *state);

#endif
