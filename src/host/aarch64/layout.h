/* Offsets that the assembly and the stubs share with C. Each is asserted against its structure in layout.c. */
#ifndef HOST_LAYOUT_H
#define HOST_LAYOUT_H

/* struct site */
#define SITE_PATH 0
#define SITE_ROUTINE 8
#define SITE_ACTION 16
#define SITE_ADDRESS 24
#define SITE_SHIFT 91

/* site->action: the struct action, with its save class in the low bits; SITE_NO_ACTION where nothing runs */
#define ACTION_TAG 3
#define SITE_NO_ACTION 3

/* struct action */
#define ACTION_HANDLER 0
#define ACTION_ARGUMENT 8

/* struct thread */
#define THREAD_LEVEL 0
#define THREAD_IGNORE 8

/* enum save_class */
#define SAVE_INTEGER 0
#define SAVE_VECTOR 1
#define SAVE_FULL 2

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
#define FRAME_MARK 296
#define FRAME_EXIT 304
#define FRAME_STREAMING 308
#define FRAME_VECTOR 312
#define FRAME_MASK 320
#define FRAME_WIDTH 328
#define FRAME_SIZE 336

/* The bytes of a stub from its part `skip` to behind the call of the routine: skip is 3 words, the probe 6 or 7, by whether
 * the routine is near. */
#define STUB_SKIP_TO_RETURN_NEAR 36
#define STUB_SKIP_TO_RETURN_FAR 40

/* vector area */
#define AREA_SIMD (32 * 16)

/* The immediates of our own breakpoints, beside A64_LINK_TRAP: a routine's way to a pc that no branch reaches without a scratch
 * register; whatever else of ours is a trap. */
#define BREAK_LEAVE 0xF00E
#define BREAK_ENTRY 0xF00F

#endif
