/* The public accessors of an x86-64 context, by the System V calling convention (psABI 3.2.3): those that an integer-only
 * handler may call, hence compiled for general registers only. */
#include "host/host.h"
#include "visibility.h"
#include "host/x86_64/cpu.h"
#include "host/x86_64/layout.h"

extern const char routines_begin[] __attribute__((visibility("hidden"))), routines_end[] __attribute__((visibility("hidden")));

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

uint64_t *host_argument(sighook_context *context, unsigned index)
{
  uint64_t *const registers[INTEGER_ARGUMENTS] = {&context->rdi, &context->rsi, &context->rdx,
                                                  &context->rcx, &context->r8,  &context->r9};

  if (index < INTEGER_ARGUMENTS)
    return registers[index];
  return (uint64_t *)context->rsp + 1 + (index - INTEGER_ARGUMENTS);   /* behind the return address */
}

uint64_t *host_result(sighook_context *context)
{
  return &context->rax;
}

API void sighook_return(sighook_context *context, uint64_t value)
{
  context->rax = value;
  context->rip = *(const uint64_t *)context->rsp;
  context->rsp += sizeof(uint64_t);
}

struct site *host_frame_site(const struct frame *frame)
{
  uintptr_t returned = *(const uintptr_t *)(frame + 1);   /* into the stub, behind its call of the routine */
  int32_t displacement;

  __builtin_memcpy(&displacement, (const void *)(returned - STUB_SITE_TO_RETURN - sizeof displacement), sizeof displacement);
  return (struct site *)(returned - STUB_SITE_TO_RETURN + (uintptr_t)(intptr_t)displacement);
}

bool host_frame_stands(const struct frame *frame)
{
  uint32_t state = frame->context.state;
  uintptr_t sp = (uintptr_t)frame & ~UINT64_C(15), returned;

  if (state & SIGHOOK_STATE_VECTOR)
    sp = ((uintptr_t)frame - cpu_area_size() - (state & SIGHOOK_STATE_X87 ? AREA_X87 : 0)) & ~UINT64_C(63);
  returned = ((const uintptr_t *)sp)[-1];
  return returned >= (uintptr_t)routines_begin && returned < (uintptr_t)routines_end;
}

void host_skip(sighook_context *context, const struct site *site)
{
  context->rip = site_next(site);
}

uintptr_t host_pc(const sighook_context *context)
{
  return context->rip;
}

void host_set_replacement(sighook_context *context, uintptr_t function)
{
  context->rip = function;
}
