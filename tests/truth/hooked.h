/* A job run in a child while places are hooked. */
#ifndef TESTS_TRUTH_HOOKED_H
#define TESTS_TRUTH_HOOKED_H

#include "places.h"

enum { ALL = 1000 };

/* Which places are hooked, and how. */
struct mode {
  unsigned permille;                  /* of the places, by chance; or ALL */
  const struct flavour *flavour;      /* NULL: all by chance: what each hook is, their order, whether it is one batch or many, and
                                         some of them are taken away again before the job */
};

/* What a hook is. */
struct flavour {
  const char *name;
  uint32_t flags;
  sighook_handler handler;            /* NULL: none, it counts */
  unsigned weight;                    /* how often chance takes it */
  const char *refusal;                /* part of the message with which it may be refused, besides expected_refusals */
};
enum { COUNTER, HANDLER, TRAPPED, FLAVOURS = 8 };     /* by number, those that all places may get */
extern const struct flavour flavours[FLAVOURS];

struct tally {
  unsigned hooked, run, removed, refused, entries[SIGHOOK_ENTRY_TRAP + 1];
  unsigned long hits;
};

/* Hooks as the mode says, in a child; runs the job; takes all hooks away and compares the code with what it was. The places tell
 * what was hit. */
struct tally hooked_run(unsigned long (*job)(void), const struct mode *mode, uint64_t *chance);

#endif
