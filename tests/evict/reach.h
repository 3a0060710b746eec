/* The functions of reach.S, and an address space in which their sites get jumps that reach over what is behind them. */
#ifndef TESTS_EVICT_REACH_H
#define TESTS_EVICT_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sighook/sighook.h>

enum { REACH_BOUNDARIES = 4, REACH_MAX = 16 };

struct reach {
  const char *name;
  long (*function)(long);
  const uint8_t *site;
  const uint8_t *boundaries[REACH_BOUNDARIES];   /* instructions that give way, one behind the other */
  unsigned count;
  unsigned run;                       /* so many of them, the first ones, are run on the way from the site, for numbers above 0 */
  uint8_t words[1 + REACH_BOUNDARIES];           /* pushed by then, first rbp, then rbx: at the site, at each boundary */
  bool computed;                      /* the result, before the site */
  bool prefixed;                      /* without a prefix no jump fits */
  bool in_two_lines;                  /* what changes does: in phases */
  bool one_place;                     /* for breakpoints: taken once by an island, it is gone for the site's further stubs */
};
extern const struct reach reaches[];
extern const unsigned reach_count;

/* What stands at the boundaries: breakpoints; or, where those find no free place, what is no instruction, at the last two at
 * least. */
enum reach_kind { REACH_BREAKPOINTS, REACH_ILLEGAL, REACH_KINDS };

/* Whether this CPU has a table of what is no instruction: else no entry is made of such bytes. */
bool reach_is_possible(enum reach_kind kind);

/* Takes whatever other jumps at the sites could land on. */
void reach_crowd(enum reach_kind kind);
/* The same at any site: what puns, and what evictions of the next instruction. */
void reach_crowd_at(const uint8_t *site, unsigned length);
/* And what jumps that reach over could with breakpoints at the boundaries. */
void reach_crowd_breakpoints(const struct reach *reach);

/* Installs a hook whose entry has to be a jump that reaches over all of the boundaries, of that kind; ends the process if not. */
sighook_hook reach_install(const struct reach *reach, enum reach_kind kind, const sighook_spec *spec);

/* Whether such an entry stands there. */
bool reach_stands(const struct reach *reach, enum reach_kind kind);

/* Whether a boundary stands there. */
bool reach_is_boundary(const uint8_t *address);

long reach_enter(const uint8_t *address, long n, unsigned words);

/* What stands at and around all sites now; and REQUIREs that it stands there again. */
void reach_remember(void);
void reach_require_unchanged(const struct reach *reach);

/* Pushes or pops, in a callback, what lies between so many words and so many. */
void reach_adjust(sighook_context *context, unsigned from, unsigned to);

static inline long reach_expected(long n)
{
  return 2 * n + 7;
}

#endif
