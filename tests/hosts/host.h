/* The parts of the program that hooks itself. */
#ifndef TESTS_HOSTS_HOST_H
#define TESTS_HOSTS_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sighook/sighook.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prints the row. */
void check(const char *row, bool holds);

enum { LIBC_FUNCTIONS_MAX = 64 };

struct libc_function {
  const char *name;
  uintptr_t (*address)(void);         /* what the program calls */
  long (*call)(void);                 /* always the same answer */
};
extern const struct libc_function libc_functions[];
extern const unsigned libc_function_count;

/* Counts for functions that a sanitizer's own code calls, on threads which it does not know yet, or no more: so no sanitizer may have
 * its hands in this. */
void host_count(sighook_context *context, void *user);

/* What is the language's own. */
void host_check_more(void);

/* Whether the last call that failed was refused for a reason that this program expects. */
bool host_refused(void);

/* Removed, and waited for where the system tells. */
bool host_removed(sighook_hook hook);

/* Forbids itself a system call by a filter; NULL where the system has none, else what refusals must say then, "" if there are none. */
const char *host_enter_sandbox(const char *forbidden, bool *nothing_works);

#ifdef __cplusplus
}
#endif

#endif
