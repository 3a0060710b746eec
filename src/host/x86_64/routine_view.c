/* Registers of a thread that stands in a capture routine, but in none of the functions that it calls. */
#include "host/host.h"
#include "layout.h"

/* Of each in routines.S, in the order of addresses: what follows each place is told in find_frame and below. */
struct routine_places {
  uintptr_t start, lowered, pushed, framed, kept, saved, complete;
  uintptr_t raised, restored, nested, raised_again, restored_again, unusual, odd, end;
};
extern const struct routine_places routine_places[], routine_places_end[] __attribute__((visibility("hidden")));
extern const char odd_flags[], leave[], leave_loaded[], leave_left[], leave_end[] __attribute__((visibility("hidden")));

static const struct routine_places *find_routine(uintptr_t pc)
{
  for (const struct routine_places *routine = routine_places; routine < routine_places_end; routine++)
    if (pc >= routine->start && pc < routine->end)
      return routine;
  return NULL;
}

static bool within(uintptr_t pc, uintptr_t from, uintptr_t to)
{
  return pc >= from && pc < to;
}

static const struct frame *find_frame(const struct routine_places *routine, const sighook_context *context)
{
  uintptr_t pc = context->rip;

  if (pc < routine->lowered || within(pc, routine->restored, routine->nested) ||
      within(pc, routine->restored_again, routine->unusual))
    return (const struct frame *)(context->rsp - FRAME_SIZE);
  if (pc < routine->pushed)
    return (const struct frame *)(context->rsp - CONTEXT_STATE);
  if (pc < routine->framed)
    return (const struct frame *)(context->rsp - CONTEXT_EFLAGS);
  return (const struct frame *)(context->rbx - FRAME_BIAS);
}

/* At the site, by what the stub left. */
static void view_site(const struct frame *frame, sighook_context *context)
{
  context->rsp = (uintptr_t)frame + FRAME_TO_SP;
  context->rip = host_frame_site(frame)->address;
}

/* What has not been saved yet is the program's still. */
static void view_begun(const struct frame *frame, bool is_pushed, bool is_framed, bool is_kept, sighook_context *context)
{
  context->rax = frame->context.rax;
  context->eflags = is_pushed ? frame->context.eflags : context->eflags;
  context->rbx = is_framed ? frame->context.rbx : context->rbx;
  context->rcx = is_kept ? frame->context.rcx : context->rcx;
  view_site(frame, context);
}

static void view_saved(const struct frame *frame, bool is_complete, sighook_context *context)
{
  for (unsigned i = 0; i * sizeof(uint64_t) <= CONTEXT_EFLAGS; i++)
    ((uint64_t *)context)[i] = ((const uint64_t *)&frame->context)[i];
  if (!is_complete)
    view_site(frame, context);
}

static bool view_leaving(sighook_context *context)
{
  uintptr_t pc = context->rip;

  if (!within(pc, (uintptr_t)leave, (uintptr_t)leave_end))
    return false;
  if (pc < (uintptr_t)leave_loaded) {
    view_saved((const struct frame *)(context->rbx - FRAME_BIAS), true, context);
  } else if (pc < (uintptr_t)leave_left) {
    const struct frame *frame = (const struct frame *)context->rsp;

    context->rip = frame->context.rip;
    context->rsp = frame->context.rsp;
  } else {
    context->rip = *(const uintptr_t *)context->rsp;
    context->rsp += sizeof(uintptr_t) + RED_ZONE;
  }
  return true;
}

bool host_routine_view(sighook_context *context)
{
  uintptr_t pc = context->rip;
  const struct routine_places *routine = find_routine(pc);
  const struct frame *frame;

  if (within(pc, (uintptr_t)odd_flags, (uintptr_t)leave)) {
    view_begun((const struct frame *)(context->rbx - FRAME_BIAS), true, true, true, context);
    return true;
  }
  if (!routine)
    return view_leaving(context);
  frame = find_frame(routine, context);
  if (pc < routine->saved || pc >= routine->odd) {
    view_begun(frame, pc >= routine->pushed, pc >= routine->framed, pc >= routine->kept, context);
  } else if (within(pc, routine->raised, routine->nested)) {   /* the rest is loaded, the frame's lower part free */
    context->rbx = pc < routine->restored ? frame->context.rbx : context->rbx;
    view_site(frame, context);
  } else if (within(pc, routine->raised_again, routine->unusual)) {
    view_begun(frame, false, pc < routine->restored_again, false, context);
  } else {
    view_saved(frame, pc >= routine->complete, context);
  }
  return true;
}
