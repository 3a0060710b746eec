/* The public accessors of an AArch64 context, by the procedure call standard (AAPCS64, 6.8): those that an integer-only handler
 * may call, hence compiled for general registers only. */
#include "host/host.h"
#include "visibility.h"
#include "host/aarch64/cpu.h"

enum { INTEGER_ARGUMENTS = 8, LINK_REGISTER = 30 };

API void *sighook_vector(sighook_context *context, unsigned index, size_t *width)
{
  struct frame *frame = host_frame(context);

  if (!(context->state & SIGHOOK_STATE_VECTOR) || index >= CPU_VECTORS)
    return NULL;
  if (width)
    *width = frame->width;
  return (char *)frame->vector + index * frame->width;
}

API void *sighook_mask(sighook_context *context, unsigned index, size_t *width)
{
  struct frame *frame = host_frame(context);

  if (!(context->state & SIGHOOK_STATE_MASK) || index > CPU_PREDICATES)
    return NULL;
  if (width)
    *width = frame->width / 8;
  return (char *)frame->mask + index * (frame->width / 8);
}

API void *sighook_x87(sighook_context *context)
{
  (void)context;
  return NULL;
}

uint64_t *host_argument(sighook_context *context, unsigned index)
{
  if (index < INTEGER_ARGUMENTS)
    return &context->x[index];
  return (uint64_t *)context->sp + (index - INTEGER_ARGUMENTS);
}

uint64_t *host_result(sighook_context *context)
{
  return &context->x[0];
}

API void sighook_return(sighook_context *context, uint64_t value)
{
  context->x[0] = value;
  context->pc = context->x[LINK_REGISTER];
}

struct site *host_frame_site(const struct frame *frame)
{
  return frame->site;
}

bool host_frame_stands(const struct frame *frame)
{
  return frame->mark == frame;
}

void host_set_pc(sighook_context *context, uintptr_t pc)
{
  context->pc = pc;
}

uintptr_t host_pc(const sighook_context *context)
{
  return context->pc;
}

void host_set_replacement(sighook_context *context, uintptr_t function)
{
  context->pc = function;
  host_frame(context)->exit = EXIT_TO_FUNCTION;
}
