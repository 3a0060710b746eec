/* Hooks with a handle: probes by priority, replacements, counters. */
#ifndef SIGHOOK_HOOK_H
#define SIGHOOK_HOOK_H

#include <stddef.h>
#include <stdint.h>
#include <sighook/context.h>
#include <sighook/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sighook_hook { uint64_t id; } sighook_hook;   /* a value; stale after removal, never dangling */
typedef void (*sighook_handler)(sighook_context *ctx, void *user);

typedef enum sighook_kind {
  SIGHOOK_PROBE = 1,        /* handler before the instruction */
  SIGHOOK_PROBE_SKIP = 2,   /* handler instead of the instruction */
  SIGHOOK_REPLACE = 3,      /* a function by another */
  SIGHOOK_CALL = 4          /* handler at a function's entry, `leave` at its exit */
} sighook_kind;

enum {                                     /* sighook_spec.flags */
  SIGHOOK_START_DISABLED = 1u << 0,
  SIGHOOK_PREPATCHED = 1u << 1,            /* a trap already stands in the file (iOS) */
  SIGHOOK_INTEGER_ONLY = 1u << 2,          /* the handler and all it calls touch no vector register: they are not saved */
  SIGHOOK_FORCE_TRAP = 1u << 3,            /* for tests and comparison */
  SIGHOOK_REQUIRE_BRANCH = 1u << 4,        /* fail rather than trap */
  SIGHOOK_ALLOW_RECURSION = 1u << 5,       /* call the handler also for hits made inside a handler on the same thread */
  SIGHOOK_COUNT = 1u << 6,                 /* count hits, per thread, summed by query; with no handler nothing else is done */
  SIGHOOK_SAVE_X87 = 1u << 7,              /* save x87 and MMX state too, and show it to the handler */
  SIGHOOK_NO_PUN = 1u << 8                 /* no entry that leans on bytes of other instructions */
};

typedef struct sighook_spec {
  size_t size;                             /* sizeof(sighook_spec) */
  sighook_kind kind;
  uint32_t flags;
  uintptr_t address;
  sighook_handler handler;                 /* PROBE, PROBE_SKIP, CALL */
  sighook_handler leave;                   /* CALL */
  const void *replacement;                 /* REPLACE */
  void **call_original;                    /* REPLACE: stored before the site goes live; may be NULL */
  void *user;
  size_t call_data_size;                   /* CALL: see sighook_call_data */
  int priority;                            /* several probes on one site run from high to low, equal ones in order of arrival */
} sighook_spec;

typedef enum sighook_entry {               /* what stands at the site; NONE where other code was put there since */
  SIGHOOK_ENTRY_NONE = 0, SIGHOOK_ENTRY_BRANCH = 1, SIGHOOK_ENTRY_PUNNED = 2, SIGHOOK_ENTRY_EVICTED = 3, SIGHOOK_ENTRY_TRAP = 4
} sighook_entry;

typedef struct sighook_info {
  size_t size;
  sighook_kind kind;
  sighook_entry entry;
  uint32_t flags;
  uintptr_t address;
  uint64_t hits;                           /* with SIGHOOK_COUNT */
  uint64_t missed;                         /* hits inside a handler that were not delivered, with SIGHOOK_COUNT */
  int fragile;                             /* 1: someone else's breakpoint in a following instruction would break the entry */
  size_t length;                           /* bytes changed at the site */
  uint8_t original[32];
  char reason[128];                        /* why not a better entry */
} sighook_info;

sighook_status sighook_install(const sighook_spec *, sighook_hook *);
sighook_status sighook_enable(sighook_hook);
sighook_status sighook_disable(sighook_hook);
sighook_status sighook_remove(sighook_hook);                          /* threads that reach the site later run no handler; one
                                                                         already on its way still may */
sighook_status sighook_remove_wait(sighook_hook, unsigned timeout_ms);/* and no thread is inside a handler: `user` may be freed */
sighook_status sighook_call_original(sighook_hook, void **call_original);
sighook_status sighook_query(sighook_hook, sighook_info *);
sighook_status sighook_check(const sighook_spec *, sighook_info *);   /* what install would do; changes nothing */
/* Visits every hook until `visit` returns non-zero; `visit` may remove hooks. */
sighook_status sighook_each(int (*visit)(sighook_hook, const sighook_info *, void *user), void *user);

#ifdef __cplusplus
}
#endif

#endif
