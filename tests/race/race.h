/* What the races share: code to be hooked, threads that call it all the time, and hooks that come and go. */
#ifndef RACE_H
#define RACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <sighook/sighook.h>

/* Code of this machine's, each function with a site in it: targets_<processor>.c. */
struct target {
  long (*function)(long);             /* answers its argument and `added` */
  const uint8_t *site;
  long added;
};
extern const struct target targets[];
extern const unsigned single_store_targets;    /* those that one store changes come first */
extern const unsigned all_targets;

enum { CALLERS = 4 };

struct caller {
  pthread_t thread;
  unsigned first, end;                /* the targets that it calls */
  bool blocks_trap;
};

extern atomic_ulong wrong;

/* Threads that call the targets from `first` to before `end` until finish, which tells whether every result was right. */
void start(struct caller callers[CALLERS], unsigned first, unsigned end, bool one_blocks);
void finish(struct caller callers[CALLERS]);

/* Installs a hook and removes it. What its handler looks at is spoilt once it was waited for. */
void toggle(const struct target *target, uint32_t flags, bool waits);

/* So many rounds, more or fewer by how the test is run. */
unsigned cycles(unsigned by_default);

#endif
