/* The public accessors of an AArch64 context, by the procedure call standard (AAPCS64, 6.8): those that an integer-only handler
 * may call, hence compiled for general registers only. */
#include "host/host.h"
#include "codemem/arena.h"
#include "visibility.h"
#include "host/aarch64/cpu.h"
#include "host/aarch64/pad.h"

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

struct site *host_frame_site(const struct frame *frame)
{
  return frame->site;
}

bool host_frame_stands(const struct frame *frame)
{
  return frame->site && arena_site_at(frame->returns) == frame->site;
}

/* The return address as it was before the landing pad that `site` stands behind signed it. Through x16 and x17, as encodings
 * that older processors take for no-operations (Arm ARM, C6.2.24). */
static void unsign(sighook_context *context, const struct site *site)
{
  register uint64_t modifier __asm__("x16") = context->sp;
  register uint64_t address __asm__("x17") = context->x[LINK_REGISTER];

  if (!site->signs)
    return;
  if (host_pad_uses_key_b(site))
    __asm__("hint #14" : "+r"(address) : "r"(modifier));   /* autib1716 */
  else
    __asm__("hint #12" : "+r"(address) : "r"(modifier));   /* autia1716 */
  context->x[LINK_REGISTER] = address;
}

API void sighook_return(sighook_context *context, uint64_t value)
{
  unsign(context, host_frame_site(host_frame(context)));
  context->x[0] = value;
  context->pc = context->x[LINK_REGISTER];
}

/* A pad that stays where it is has been run already: it is undone, and what stands behind it is next. */
void host_skip(sighook_context *context, const struct site *site)
{
  if (site->shift)
    unsign(context, site);
  else
    context->pc = site_next(site);
}

uintptr_t host_pc(const sighook_context *context)
{
  return context->pc;
}

void host_set_replacement(sighook_context *context, uintptr_t function)
{
  unsign(context, host_frame_site(host_frame(context)));
  context->pc = function;
  host_frame(context)->function = frame_function_mark(host_frame(context), function);
}
