/* An address space without room near this program's code. */
#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

#include <stddef.h>
#include <stdint.h>

/* Takes all memory that is free in a branch's reach of the program's code. */
void crowd(void);

/* Frees that many pages of it, away from all others; returns the first. */
uintptr_t crowd_leave(size_t pages);

#endif
