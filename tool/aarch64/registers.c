/* AArch64. */
#include "registers.h"

#include <stddef.h>
#include <ucontext.h>
#include <sighook/sighook.h>

enum { SP = 31, FLAGS = 33, NUMBER = 8 };
#define FLAG_BITS UINT64_C(0xF0000000)

_Static_assert(offsetof(mcontext_t, pc) - offsetof(mcontext_t, regs) == REGISTER_PC * sizeof(uint64_t), "a frame's order");

uint64_t *registers_of(void *ucontext)
{
  return (uint64_t *)((ucontext_t *)ucontext)->uc_mcontext.regs;
}

void registers_show(void *ucontext, const sighook_context *context)
{
  uint64_t *to = registers_of(ucontext);

  for (unsigned i = 0; i < SP; i++)
    to[i] = context->x[i];
  to[SP] = context->sp;
  to[REGISTER_PC] = context->pc;
  to[FLAGS] = (to[FLAGS] & ~FLAG_BITS) | (context->cpsr & FLAG_BITS);
}

const uint32_t call_length = 4;

uint32_t call_number(const sighook_context *context)
{
  return (uint32_t)context->x[NUMBER];
}

uint64_t call_argument(const sighook_context *context, unsigned index)
{
  return context->x[index];
}

/* A branch to anywhere else than behind the site's instruction would take a trap. */
void call_go_behind(sighook_context *context, uint32_t length)
{
  (void)length;
  sighook_skip(context);
}
