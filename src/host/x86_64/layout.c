/* The offsets that the assembly uses are those of the structures. */
#include <stddef.h>
#include "host/host.h"
#include "layout.h"

#define SAME(structure, member, offset) \
  _Static_assert(offsetof(struct structure, member) == (offset), #structure "." #member)

SAME(frame, context.r8, CONTEXT_R8);
SAME(frame, context.r15, CONTEXT_R15);
SAME(frame, context.rdi, CONTEXT_RDI);
SAME(frame, context.rsi, CONTEXT_RSI);
SAME(frame, context.rbp, CONTEXT_RBP);
SAME(frame, context.rbx, CONTEXT_RBX);
SAME(frame, context.rdx, CONTEXT_RDX);
SAME(frame, context.rax, CONTEXT_RAX);
SAME(frame, context.rcx, CONTEXT_RCX);
SAME(frame, context.rsp, CONTEXT_RSP);
SAME(frame, context.rip, CONTEXT_RIP);
SAME(frame, context.eflags, CONTEXT_EFLAGS);
SAME(frame, context.state, CONTEXT_STATE);
SAME(frame, context.mxcsr, CONTEXT_MXCSR);
SAME(frame, vector, FRAME_VECTOR);
SAME(frame, exit_sp, FRAME_EXIT_SP);
SAME(frame, x87, FRAME_X87);
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "frame");
_Static_assert(HOST_FRAME_BIAS == FRAME_BIAS, "frame register");
