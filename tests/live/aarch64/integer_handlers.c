/* See integer_handlers.h. Compiled for general registers only; volatile, so that no loop becomes a memcpy. */
#include "integer_handlers.h"

#include <stddef.h>

enum { LINK = 30 };

static void check(const struct integers *integers, int right, const char *what)
{
  if (!right)
    *integers->wrong = what;
}

void look_at_integers(sighook_context *context, void *user)
{
  const struct integers *integers = user;

  for (unsigned i = 0; i <= LINK; i++)
    check(integers, context->x[i] == integers->in->x[i], "x");
  check(integers, context->pc == (uintptr_t)registers_site && context->sp == integers->wanted->sp, "pc, sp");
  check(integers, (context->cpsr & 0xF0000000) == integers->in->nzcv, "nzcv");
}

void look_at_integers_alone(sighook_context *context, void *user)
{
  const struct integers *integers = user;

  look_at_integers(context, user);
  check(integers, !sighook_vector(context, 0, NULL) && !sighook_mask(context, 0, NULL), "state that was not saved");
}

void go_elsewhere_with_integers(sighook_context *context, void *user)
{
  const struct integers *integers = user;
  volatile uint64_t *x = context->x;

  look_at_integers(context, user);
  for (unsigned i = 0; i <= LINK; i++)
    x[i] = integers->wanted->x[i];
  context->cpsr = (uint32_t)integers->wanted->nzcv;
  context->pc = (uintptr_t)registers_elsewhere;
}
