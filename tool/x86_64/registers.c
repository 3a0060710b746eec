/* x86-64. */
#include "registers.h"

#include <stddef.h>
#include <ucontext.h>

_Static_assert((int)REG_RIP == (int)REGISTER_PC && (int)REG_EFL == (int)REGISTERS - 1, "a frame's order");
_Static_assert(offsetof(sighook_context, rip) == REGISTER_PC * sizeof(uint64_t), "a capture has the same");

uint64_t *registers_of(void *ucontext)
{
  return (uint64_t *)((ucontext_t *)ucontext)->uc_mcontext.gregs;
}

void registers_show(void *ucontext, const sighook_context *context)
{
  uint64_t *to = registers_of(ucontext);
  const uint64_t *from = (const uint64_t *)context;

  for (unsigned i = 0; i < REGISTERS; i++)
    to[i] = from[i];
}

const uint32_t call_length = 2;

uint32_t call_number(const sighook_context *context)
{
  return (uint32_t)context->rax;
}

uint64_t call_argument(const sighook_context *context, unsigned index)
{
  const uint64_t arguments[] = {context->rdi, context->rsi, context->rdx, context->r10};

  return arguments[index];
}

void call_go_behind(sighook_context *context, uint32_t length)
{
  context->rip += length;
}
