/* Offsets that the assembly shares with C. Each is asserted against its structure in layout.c. */
#ifndef HOST_LAYOUT_H
#define HOST_LAYOUT_H

#include "core/offsets.h"

/* in a stub: from the end of `lea site(%rip),%rax` to behind the call of the capture routine */
#define STUB_SITE_TO_RETURN 6

/* struct frame: the context first */
#define CONTEXT_R8 0
#define CONTEXT_R9 8
#define CONTEXT_R10 16
#define CONTEXT_R11 24
#define CONTEXT_R12 32
#define CONTEXT_R13 40
#define CONTEXT_R14 48
#define CONTEXT_R15 56
#define CONTEXT_RDI 64
#define CONTEXT_RSI 72
#define CONTEXT_RBP 80
#define CONTEXT_RBX 88
#define CONTEXT_RDX 96
#define CONTEXT_RAX 104
#define CONTEXT_RCX 112
#define CONTEXT_RSP 120
#define CONTEXT_RIP 128
#define CONTEXT_EFLAGS 136
#define CONTEXT_STATE 144
#define CONTEXT_MXCSR 148
#define FRAME_VECTOR 152
#define FRAME_EXIT_SP 160
#define FRAME_X87 168
#define FRAME_SIZE 176

/* rbx points this far into the frame, so that one byte reaches all of it */
#define FRAME_BIAS 128

/* What lies between the frame and the program's stack pointer: the return address into the stub and the red zone. */
#define RED_ZONE 128
#define FRAME_TO_SP (FRAME_SIZE + 8 + RED_ZONE)

/* Where the stub puts rax, seen from its stack pointer: the context's place for it */
#define STUB_RAX (CONTEXT_RAX - FRAME_SIZE - 8)

/* vector area by CPU */
#define AREA_SSE (16 * 16)
#define AREA_AVX (16 * 32)
#define AREA_AVX512_MASKS (32 * 64)
#define AREA_AVX512 (32 * 64 + 64)
#define AREA_X87 512

/* eflags that `sahf` and the overflow trick cannot restore */
#define EFLAGS_TF 0x100
#define EFLAGS_DF 0x400
#define EFLAGS_AC 0x40000
#define EFLAGS_ID 0x200000
#define EFLAGS_ODD (EFLAGS_TF | EFLAGS_DF | EFLAGS_AC | EFLAGS_ID)

#endif
