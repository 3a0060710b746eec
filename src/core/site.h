/* A site: one hooked address and all that belongs to it. Sites are never freed: threads may sleep in their stubs, and late
 * traps must find them; hooking the same instruction again uses the same site. Everything but the published fields is
 * guarded by the library's lock. */
#ifndef CORE_SITE_H
#define CORE_SITE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sighook/hook.h>
#include "error.h"

/* In the order of how much they save; apart by one bit each, and from NO_ACTION too. */
enum save_class { CLASS_INTEGER = 0, CLASS_VECTOR = 1, CLASS_FULL = 3 };

/* What a hit runs, read by the capture routine. The handler is called as handler(context, argument). */
struct action {
  sighook_handler handler;
  void *argument;
  uint32_t is_chain;       /* 0: the first member of a struct hook; 1: of a struct chain */
};

/* A pointer to an action with the class that it needs saved in its low bits, so that a capture loads both at once. */
typedef uintptr_t tagged_action;
enum { ACTION_CLASS = 7, NO_ACTION = 7 };

static inline struct action *action_of(tagged_action tagged)
{
  return (struct action *)(tagged & ~(uintptr_t)ACTION_CLASS);
}

static inline enum save_class action_class(tagged_action tagged)
{
  return (enum save_class)(tagged & ACTION_CLASS);
}

enum site_state {
  SITE_IDLE,               /* the program's own bytes stand there */
  SITE_LIVE,               /* our entry stands there, or is being written or removed: a trap goes to the stub */
  SITE_PATCH,              /* the caller's bytes stand there; no stub */
  SITE_PATCHING            /* ... and are being written: a trap tries again */
};

/* What stands where an entry traps, as bits: a breakpoint (SIGTRAP), or a byte that is no instruction (SIGILL). */
enum trap_kind { TRAP_BREAKPOINT = 1, TRAP_ILLEGAL = 2 };

enum { SITE_BYTES = 16, SITE_NO_COUNTER = -1 };

struct site {
  _Atomic(uintptr_t) path;           /* where the stub's first jump leads, if it has one */
  _Atomic(uintptr_t) routine;        /* the capture routine that the stub calls */
  _Atomic(tagged_action) action;     /* NO_ACTION: nothing runs */
  uintptr_t address;
  uintptr_t stub;                    /* its first byte; 0: a patch, which has none */
  union {
    uintptr_t landing;               /* PUNNED, EVICTED: the island that the entry leads to; BRANCH: what it leads to in place of the
                                        gate, or 0 */
    uint64_t were_illegal;           /* of a patch: was_illegal, of what stands so many bytes behind the address, bit by bit */
  };
  uint8_t original[SITE_BYTES];      /* the program's bytes, from the site's first on */
  union {
    struct hook *hooks;              /* by priority */
    struct patch *patch;             /* SITE_PATCH, SITE_PATCHING, or idle without a stub */
  };
  int32_t counter;                   /* SITE_NO_COUNTER, or the number of its counter */
  _Atomic(uint8_t) state;
  uint8_t length;                    /* of the displaced instruction, which stands `shift` behind the address */
  uint8_t stub_length;
  uint8_t entry_offset;              /* in the stub: where entry, islands and traps lead */
  uint8_t probe_offset;              /* in the stub: step over the red zone and call the routine */
  uint8_t displaced_offset;          /* in the stub: the displaced instruction */
  uint8_t shape;                     /* of the stub: see core/shape.h */
  uint8_t count_offset;              /* in the stub: count in line; 0: this stub has no such part */
  uint8_t entry;                     /* sighook_entry */
  uint8_t prefixes;                  /* PUNNED and EVICTED: redundant prefixes before the jump */
  uint8_t reason;                    /* enum entry_reason: why not a better entry */
  uint8_t shift;                     /* how far behind the address the entry stands: the length of a landing pad, which stays; or 0 */
  uint8_t original_offset;           /* in the stub: where a call of the whole original leads */
  bool signs : 1;                    /* that pad signs the return address, so it is signed where the entry stands */
  bool by_path : 1;                  /* the stub begins with a jump by `path`; else with the capture, always */
  bool far : 1;                      /* the stub was made to lie anywhere: no branch of the site's need reach it, nor back */
  bool : 0;                          /* a byte of its own: hits read what is above, and changes write what is below */
  bool fragile : 1;
  bool touched : 1, going_live : 1;  /* by the change under way */
  bool leaving : 1;                  /* by it: the program's own bytes come back */
  bool leads_on : 1;                 /* the stub goes back to the next site's gate, since a trap stands in the code there */
  uint8_t inner_traps : 2;           /* EVICTED: enum trap_kind of those inside the jump that somebody may meet */
  uint8_t back_offset;               /* in the stub: the jump behind the site, which can lead elsewhere; 0: there is none */
  uint16_t round;                    /* of the change under way: it leans on what earlier rounds write */
  uint8_t lent;                      /* TRAP: so many of its bytes, the low ones of `landing`, are another entry's jump's */
  _Atomic(bool) was_illegal;         /* what was lent began with no instruction, at some time: SIGILL told of arrivals */
};

/* Whether the bytes at the address, the site's own or of a patch, were no instruction at some time, and now are one that is valid
 * on every CPU. */
static inline bool site_was_illegal(const struct site *site, uintptr_t address)
{
  if (site->stub)
    return site->was_illegal;
  return address - site->address < 64 && site->were_illegal >> (address - site->address) & 1;
}

struct plan;
struct examination;                  /* core/examine.h */

/* Whether bytes of ours stand at the site. */
static inline bool site_in_place(const struct site *site)
{
  return atomic_load_explicit(&site->state, memory_order_relaxed) != SITE_IDLE;
}

/* The site of `address`, live already or ready to be given an entry and go live: stub written, known to the table. *found is only
 * filled where it is not live. */
sighook_status site_obtain(struct plan *plan, const sighook_spec *spec, struct examination *found, struct site **site,
                           struct error *error);

/* An earlier hook's site there whose stub serves this one too, or NULL. One that goes live by the same transaction is joined. */
struct site *site_find(const sighook_spec *spec, const struct examination *found);

/* The same, or a new one with a stub of its own. */
sighook_status site_find_or_make(struct plan *plan, const sighook_spec *spec, const struct examination *found, struct site **site,
                                 struct error *error);

/* The site of the caller's last patch at the address, or NULL. */
struct site *site_patched(uintptr_t address);

/* The table leads from the address to the site from now on. The site of the address that it led to is kept aside, so that who
 * hooks and patches in turn uses up nothing. At most two entries more, for which there must be room. */
void site_take_place(struct site *site, uintptr_t address);

/* What an installation would come to; `draft` gets entry, length, original and reason. */
sighook_status site_check(struct plan *plan, const sighook_spec *spec, struct site *draft, struct error *error);

/* Whether what is seen is what was written, others' breakpoints on it apart. */
bool site_shows(const uint8_t *seen, const uint8_t *written, size_t length);

/* Whether the site's entry stands in the code, as far as the code can be read: it may have been replaced by other code. */
bool site_stands(const struct site *site);

/* For a child that was forked while another thread was changing the site: what was not done yet is not begun. */
void site_abandon_change(struct site *site);

/* The site or patch of ours, there already or to be by the change under way, whose bytes cover `address`, or NULL. */
struct site *site_covering(uintptr_t address);

/* Where whatever stands at the site leads. */
static inline uintptr_t site_gate(const struct site *site)
{
  return site->stub + site->entry_offset;
}

/* Whether the site is a boundary inside another one's jump: whoever comes there by a branch is led to its stub by a trap. */
static inline bool site_is_boundary(const struct site *site)
{
  return site->entry == SIGHOOK_ENTRY_TRAP && site->lent != 0;
}

/* Where the entry stands. */
static inline uintptr_t site_place(const struct site *site)
{
  return site->address + site->shift;
}

static inline uintptr_t site_next(const struct site *site)
{
  return site_place(site) + site->length;
}

/* A pointer by which the original function is called, its landing pad included. */
static inline uintptr_t site_original(const struct site *site)
{
  return site->stub + site->original_offset;
}

#endif
