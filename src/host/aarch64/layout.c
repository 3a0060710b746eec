/* The offsets that the assembly uses are those of the structures. */
#include <stddef.h>
#include "host/host.h"
#include "layout.h"

#define SAME(structure, member, offset) \
  _Static_assert(offsetof(struct structure, member) == (offset), #structure "." #member)

SAME(site, path, SITE_PATH);
SAME(site, routine, SITE_ROUTINE);
SAME(site, action, SITE_ACTION);
SAME(site, address, SITE_ADDRESS);
SAME(site, shift, SITE_SHIFT);
SAME(action, handler, ACTION_HANDLER);
SAME(action, argument, ACTION_ARGUMENT);
SAME(thread, level, THREAD_LEVEL);
SAME(thread, ignore, THREAD_IGNORE);
SAME(frame, context.x, CONTEXT_X(0));
SAME(frame, context.sp, CONTEXT_SP);
SAME(frame, context.pc, CONTEXT_PC);
SAME(frame, context.cpsr, CONTEXT_CPSR);
SAME(frame, context.state, CONTEXT_STATE);
SAME(frame, context.fpsr, CONTEXT_FPSR);
SAME(frame, context.fpcr, CONTEXT_FPCR);
SAME(frame, site, FRAME_SITE);
SAME(frame, returns, FRAME_RETURNS);
SAME(frame, mark, FRAME_MARK);
SAME(frame, vector, FRAME_VECTOR);
SAME(frame, mask, FRAME_MASK);
SAME(frame, width, FRAME_WIDTH);
SAME(frame, exit, FRAME_EXIT);
SAME(frame, streaming, FRAME_STREAMING);
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "frame");
_Static_assert(ACTION_CLASS == ACTION_TAG && NO_ACTION == SITE_NO_ACTION && SITE_NO_ACTION > SAVE_FULL, "tagged actions");
_Static_assert(CLASS_INTEGER == SAVE_INTEGER && CLASS_VECTOR == SAVE_VECTOR && CLASS_FULL == SAVE_FULL, "classes");
