/* The offsets that the assembly uses are those of the structures. */
#include <stddef.h>
#include "host/host.h"
#include "layout.h"

#define SAME(structure, member, offset) \
  _Static_assert(offsetof(struct structure, member) == (offset), #structure "." #member)

SAME(frame, context.x, CONTEXT_X(0));
SAME(frame, context.sp, CONTEXT_SP);
SAME(frame, context.pc, CONTEXT_PC);
SAME(frame, context.cpsr, CONTEXT_CPSR);
SAME(frame, context.state, CONTEXT_STATE);
SAME(frame, context.fpsr, CONTEXT_FPSR);
SAME(frame, context.fpcr, CONTEXT_FPCR);
SAME(frame, site, FRAME_SITE);
SAME(frame, returns, FRAME_RETURNS);
SAME(frame, function, FRAME_FUNCTION);
SAME(frame, vector, FRAME_VECTOR);
SAME(frame, mask, FRAME_MASK);
SAME(frame, width, FRAME_WIDTH);
SAME(frame, streaming, FRAME_STREAMING);
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "frame");
