/* Failures of system calls, one by one. */
#ifndef TESTS_FAULT_INJECT_H
#define TESTS_FAULT_INJECT_H

#include <stdbool.h>

/* From now on the library's call number `at`, counted from 1, fails; with `onwards` all later ones of the same kind too.
 * `variant` chooses among the reasons that the kernel might have. */
void inject_start(unsigned at, bool onwards, unsigned variant);

/* For a while, or for good: calls are neither counted nor do they fail. */
void inject_pause(bool pause);

/* Whether a call failed. */
bool inject_happened(void);

/* The call that failed, and the reason. */
const char *inject_call(void);
int inject_reason(void);

/* How many could have failed so far. */
unsigned inject_count(void);

#endif
