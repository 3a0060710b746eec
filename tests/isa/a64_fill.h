/* Random states of the machine in which an A64 instruction has something to do: addresses that hit the data areas,
 * branches that lead to code, signatures that are right, numbers that are neither all huge nor all NaN. */
#ifndef TESTS_ISA_A64_FILL_H
#define TESTS_ISA_A64_FILL_H

#include "a64_machine.h"

/* The instruction stands at `from`. What it refers to relative to the pc is chosen too, which changes `word`. */
void a64_fill_state(uint32_t *word, uint64_t from, uint64_t *random, struct a64_state *state);

/* Random contents of a data area: half of them plausible addresses and small numbers. */
void a64_fill_data(uint8_t *data, size_t size, uint64_t *random);

#endif
