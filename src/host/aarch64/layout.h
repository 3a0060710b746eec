/* Offsets that the assembly and the stubs share with C. Each is asserted against its structure in layout.c. */
#ifndef HOST_LAYOUT_H
#define HOST_LAYOUT_H

#include "core/offsets.h"

/* struct frame: the context first */
#define CONTEXT_X(n) (8 * (n))
#define CONTEXT_SP 248
#define CONTEXT_PC 256
#define CONTEXT_CPSR 264
#define CONTEXT_STATE 268
#define CONTEXT_FPSR 272
#define CONTEXT_FPCR 276
#define FRAME_SITE 280
#define FRAME_RETURNS 288
#define FRAME_FUNCTION 296
#define FRAME_STREAMING 304
#define FRAME_VECTOR 312
#define FRAME_MASK 320
#define FRAME_WIDTH 328
#define FRAME_SIZE 336

/* The bytes of a stub's part `skip`, which ends where the probe begins */
#define STUB_SKIP_LENGTH 12

/* From a routine's landing pad to where those that come by BL enter */
#define ROUTINE_PAD_LENGTH 4

/* vector area */
#define AREA_SIMD (32 * 16)

/* The immediates of our own breakpoints, beside A64_FAR_BRANCH and A64_LINK_TRAP: a routine's way to a pc that no branch reaches
 * without a scratch register; whatever else of ours is a trap. */
#define BREAK_LEAVE 0xF00E
#define BREAK_ENTRY 0xF00F

#endif
