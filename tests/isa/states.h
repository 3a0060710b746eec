/* Random machine states in which an instruction has something to do: addresses that hit the scratch areas, small
 * counts, numbers that are neither all huge nor all NaN. */
#ifndef TESTS_ISA_STATES_H
#define TESTS_ISA_STATES_H

#include "forms.h"
#include "machine.h"

/* The instruction stands at `pc`. Points its RIP-relative operand, if any, into the scratch area, which changes the
 * displacement in `bytes`. */
void make_state(const struct decoded *decoded, uint8_t *bytes, uint64_t pc, uint64_t *random, struct state *state);

/* Random contents of a data area: half of them plausible addresses and small numbers. */
void fill_data(uint8_t *data, size_t size, uint64_t *random);

#endif
