/* What docs/callbacks.md says that hits need of a stack, on every machine. */
#ifndef TESTS_LIFE_MORE_H
#define TESTS_LIFE_MORE_H

#include <signal.h>
#include <sys/auxv.h>
#include "life.h"
#include "needs.h"
#include "stacks.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/* More than the same hit needs otherwise, at most. */
enum more { IN_CHAIN, NESTED, AT_FIRST, IN_TRAP };
static const struct {
  const char *what;                   /* as docs/callbacks.md has it */
  unsigned bytes;
} more[] = {
    [IN_CHAIN] = {"several hooks on the site, or one that counts with a handler, or skips", 160},
    [NESTED] = {"a hit inside a callback", 256},
    [AT_FIRST] = {"a thread's first hit", 640},
    [IN_TRAP] = {"a trap entry, before the capture begins: the signal frame and", 640},
};

/* The kernel's, at most. */
static inline size_t signal_frame(void)
{
  size_t size = getauxval(AT_MINSIGSTKSZ);

  return size ? size : (size_t)MINSIGSTKSZ;
}

static inline void tell_width(sighook_context *context, void *user)
{
  sighook_vector(context, 0, user);
}

/* Of the registers that are saved here. A site that was hooked for a larger class needs more of the stack, on some machines. */
static inline size_t vector_width(void)
{
  size_t width = 0;
  sighook_spec spec = spec_for(touches_nothing_either, tell_width, 0);
  sighook_hook hook;

  spec.user = &width;
  hook = must_install(spec);
  REQUIRE(touches_nothing_either(1) == 2 && width && sighook_remove(hook) == SIGHOOK_OK);
  return width;
}

#endif
