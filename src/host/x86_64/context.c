/* The public accessors of an x86-64 context, by the System V calling convention (psABI 3.2.3): those that an integer-only
 * handler may call, hence compiled for general registers only. */
#include "host/host.h"
#include "visibility.h"
#include "host/x86_64/cpu.h"
#include "host/x86_64/layout.h"

enum { INTEGER_ARGUMENTS = 6, MASKS = 8 };

API void *sighook_vector(sighook_context *context, unsigned index, size_t *width)
{
  struct frame *frame = host_frame(context);

  if (!(context->state & SIGHOOK_STATE_VECTOR) || index >= cpu_vector_count())
    return NULL;
  if (width)
    *width = cpu_vector_width();
  return (char *)frame->vector + index * cpu_vector_width();
}

API void *sighook_mask(sighook_context *context, unsigned index, size_t *width)
{
  struct frame *frame = host_frame(context);

  if (!(context->state & SIGHOOK_STATE_MASK) || index >= MASKS)
    return NULL;
  if (width)
    *width = sizeof(uint64_t);
  return (char *)frame->vector + AREA_AVX512_MASKS + index * sizeof(uint64_t);
}

API void *sighook_x87(sighook_context *context)
{
  return context->state & SIGHOOK_STATE_X87 ? host_frame(context)->x87 : NULL;
}

static uint64_t *integer_argument(sighook_context *context, unsigned index)
{
  uint64_t *const registers[INTEGER_ARGUMENTS] = {&context->rdi, &context->rsi, &context->rdx,
                                                  &context->rcx, &context->r8,  &context->r9};

  if (index < INTEGER_ARGUMENTS)
    return registers[index];
  return (uint64_t *)context->rsp + 1 + (index - INTEGER_ARGUMENTS);   /* behind the return address */
}

API uint64_t sighook_arg(const sighook_context *context, unsigned index)
{
  return *integer_argument((sighook_context *)context, index);
}

API void sighook_set_arg(sighook_context *context, unsigned index, uint64_t value)
{
  *integer_argument(context, index) = value;
}

API uint64_t sighook_result(const sighook_context *context)
{
  return context->rax;
}

API void sighook_set_result(sighook_context *context, uint64_t value)
{
  context->rax = value;
}

API void sighook_skip(sighook_context *context)
{
  context->rip = site_next(host_frame(context)->site);
}

API void sighook_return(sighook_context *context, uint64_t value)
{
  context->rax = value;
  context->rip = *(const uint64_t *)context->rsp;
  context->rsp += sizeof(uint64_t);
}

API void *sighook_call_data(sighook_context *context)
{
  (void)context;
  return NULL;   /* no SIGHOOK_CALL hooks yet */
}

void host_set_pc(sighook_context *context, uintptr_t pc)
{
  context->rip = pc;
}

uintptr_t host_pc(const sighook_context *context)
{
  return context->rip;
}
