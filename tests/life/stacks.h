/* Stacks of the tests' own, and coroutines on them. */
#ifndef TESTS_LIFE_STACKS_H
#define TESTS_LIFE_STACKS_H

#include <sighook/sighook.h>

/* function(argument) with the stack pointer at `sp`. */
long run_on(void *sp, long (*function)(long), long argument);

/* Begins function(argument) on a stack of its own; it may end by switching only. *own is where the caller is gone on with. */
void start_on(void **own, void *sp, long (*function)(long), long argument);
void switch_to(void **own, void *other);

/* One more. Begins with an instruction that a branch has room in. */
long touches_nothing(long);
long touches_nothing_either(long);
/* A handler. */
void returns_at_once(sighook_context *context, void *user);

#endif
