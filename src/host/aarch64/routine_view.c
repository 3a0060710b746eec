/* Registers of a thread that stands in a capture routine, but in none of the functions that it calls. */
#include "host/host.h"

enum { LR = 30 };

/* Of each in routines.S: from `framed` to `usual`, and from `unusual` on, x19 is the frame, elsewhere sp is; up to `kept`,
 * and up to `saved`, some registers are the program's still. */
struct routine_places {
  uintptr_t start, framed, kept, saved, usual, unusual, end;
};
extern const struct routine_places routine_places[], routine_places_end[] __attribute__((visibility("hidden")));
extern const char leave[], leave_by_x16[], leave_by_x30[], leave_end[] __attribute__((visibility("hidden")));

static const struct routine_places *find_routine(uintptr_t pc)
{
  for (const struct routine_places *routine = routine_places; routine < routine_places_end; routine++)
    if (pc >= routine->start && pc < routine->end)
      return routine;
  return NULL;
}

static void take(sighook_context *context, const struct frame *frame, unsigned first, unsigned last)
{
  for (unsigned i = first; i <= last; i++)
    context->x[i] = frame->context.x[i];
}

static void view_saved(const struct frame *frame, sighook_context *context)
{
  take(context, frame, 0, LR);
  context->cpsr = frame->context.cpsr;
  context->sp = frame->context.sp;
  context->pc = frame->context.pc == frame->site->address ? site_place(frame->site) : frame->context.pc;
}

/* Where x0 is the site still. */
static void view_begun(const struct routine_places *routine, const struct frame *frame, sighook_context *context)
{
  const struct site *site = (const struct site *)context->x[0];

  take(context, frame, 0, 1);
  take(context, frame, LR, LR);
  if (context->pc >= routine->framed)
    take(context, frame, 19, 19);
  if (context->pc >= routine->kept) {
    take(context, frame, 2, 2);
    take(context, frame, 21, 22);
  }
  context->sp = (uintptr_t)frame + sizeof *frame;
  context->pc = site_place(site);
}

static bool view_leaving(sighook_context *context)
{
  uintptr_t pc = context->pc;

  if (pc < (uintptr_t)leave || pc >= (uintptr_t)leave_end)
    return false;
  if (pc == (uintptr_t)leave_by_x16)
    context->pc = context->x[16];
  else if (pc == (uintptr_t)leave_by_x30)
    context->pc = context->x[LR];
  else
    view_saved((const struct frame *)context->sp, context);
  return true;
}

bool host_routine_view(sighook_context *context)
{
  const struct routine_places *routine = find_routine(context->pc);
  uintptr_t pc = context->pc;
  const struct frame *frame;

  if (!routine)
    return view_leaving(context);
  frame = (const struct frame *)((pc >= routine->framed && pc < routine->usual) || pc >= routine->unusual ? context->x[19]
                                                                                                          : context->sp);
  if (pc < routine->saved)
    view_begun(routine, frame, context);
  else
    view_saved(frame, context);
  return true;
}
