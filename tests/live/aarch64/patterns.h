/* The patterns and bytes that the common tests use, on AArch64. */
#ifndef TESTS_LIVE_PATTERNS_H
#define TESTS_LIVE_PATTERNS_H

#include <stdint.h>
#include <string.h>
#include <sighook/sighook.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Adds 1234; its first instruction refers to memory by its own address. */
long adds_1234(long) __asm__("reads_number");
/* One more, but 77 of 0. */
long tests_and_branches(long) __asm__("compares_and_branches");
long simple(long) __asm__("flips_a_bit");
/* Its argument, by the lowest part of vector register 1. */
long live_vectors(long);

#ifdef __cplusplus
}
#endif

enum {
  SIMPLE_OPCODE = (int)0xd27d0000,   /* eor x0,x0,#8 */
  LIVE_VECTORS_NOP = 8,              /* behind movi and fmov */
  VECTOR_LIVE = 1,
  FAR_STUBS = 1,                     /* where nothing is free in reach, a trap is had */
  NOP_LENGTH = 4
};
#define BRANCH_REACH (UINT64_C(128) << 20)
#define BREAKPOINT_INSTRUCTION "brk #1"
#define NOP_INSTRUCTION "nop"        /* that a branch has room in */
#define RETURN_ARGUMENT "ret"

enum { LOWER = 512 };

/* Moves sp, as what stands at a function's entry allows. */
static inline void lower_sp(sighook_context *context)
{
  context->sp -= LOWER;
}

/* Calls a function that may come back with another sp. */
static inline long call_keeping_sp(long (*function)(long), long value)
{
  register long result __asm__("x0") = value;

  __asm__ volatile("mov x19, sp\n\tblr %1\n\tmov sp, x19"
                   : "+r"(result)
                   : "r"(function)
                   : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                     "x19", "x30", "memory", "cc");
  return result;
}

static inline long simple_computes(long value)
{
  return value ^ 8;
}

/* Where the branch at `address` leads; 0: it is none. */
static inline uintptr_t branch_target(uintptr_t address)
{
  uint32_t word;

  memcpy(&word, (const void *)address, sizeof word);
  if (word >> 26 != 5)               /* b */
    return 0;
  return address + (uintptr_t)((intptr_t)((int32_t)(word << 6) >> 6) * 4);
}

/* Bytes that end where a page ends, and what a hook of the first of them is answered. */
struct last_bytes {
  uint8_t bytes[4];
  unsigned length;
  sighook_status answer;
};
static const struct last_bytes last_bytes[] = {
    {{0x03, 0xd5}, 2, SIGHOOK_BAD_ADDRESS},
    {{0x1f, 0x20, 0x03, 0xd5}, 4, SIGHOOK_OK},
};

/* add x0,x0,#7; nop; nop; ret, and patches of it */
static const uint8_t adds_7[] = {0x00, 0x1c, 0x00, 0x91, 0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6};
static const uint8_t nops[] = {0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5};
enum {
  ADDS_7_OPCODE = (int)0x91001c00,
  ADDS_9_OPCODE = (int)0x91002400,
  ADDS_11_OPCODE = (int)0x91002c00,
  INSIDE_NOPS = 4                    /* covered by a patch with nops, and where one of them begins */
};

/* Patches that are refused: each that is no whole number of words. */
struct bad_patch {
  uint8_t bytes[4];
  unsigned offset, length;
  sighook_status answer;
};
static const struct bad_patch bad_patches[] = {
    {{0x1f, 0x20}, 0, 2, SIGHOOK_UNDECODABLE},
    {{0x1f, 0x20, 0x03}, 4, 3, SIGHOOK_UNDECODABLE},
    {{0x1f, 0x20, 0x03, 0xd5}, 2, 4, SIGHOOK_BAD_ADDRESS},
};

#endif
