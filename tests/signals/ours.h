/* A trap of the library's for the tests of handlers: ours.c has one that raises SIGTRAP, ours_illegal.c one that raises
 * SIGILL. */
#ifndef TESTS_SIGNALS_OURS_H
#define TESTS_SIGNALS_OURS_H

#include <stdbool.h>

bool ours_is_possible(void);

/* Installs the first entry that traps; the library's handler comes with it. */
void ours_start(void);

/* Meets it: one signal, and the right result. */
void ours_hit(void);

/* Takes the hook away and puts it back. */
void ours_change(void);

#endif
