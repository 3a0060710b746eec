/* What the payloads ask of the machine: the pc of a context, and how far a jump reaches. */
#ifndef EXAMPLES_MACHINE_H
#define EXAMPLES_MACHINE_H

#include <sighook/sighook.h>

#define JUMP_REACH (UINT64_C(2) << 30)

static inline uintptr_t payload_pc(const sighook_context *ctx)
{
  return ctx->rip;
}

#endif
