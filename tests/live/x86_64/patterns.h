/* The patterns and bytes that the common tests use, on x86-64. */
#ifndef TESTS_LIVE_PATTERNS_H
#define TESTS_LIVE_PATTERNS_H

#include <stdint.h>
#include <string.h>
#include <sighook/sighook.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Adds 1234; its first instruction refers to memory by its own address. */
long adds_1234(long) __asm__("rip_relative_mov");
/* One more, but 77 of 0. */
long tests_and_branches(long) __asm__("test_then_je");
long simple(long) __asm__("four_bytes");
/* Its argument, by the lowest part of vector register 1. */
long live_vectors(long);

#ifdef __cplusplus
}
#endif

enum {
  SIMPLE_OPCODE = (int)0xc3f88948,   /* mov %rdi,%rax; ret */
  LIVE_VECTORS_NOP = 9,              /* behind vpxor (4) and vmovq (5) */
  VECTOR_LIVE = 1,
  FAR_STUBS = 0,
  NOP_LENGTH = 5
};
#define BRANCH_REACH (UINT64_C(2) << 30)
#define BREAKPOINT_INSTRUCTION "int3"
#define NOP_INSTRUCTION ".byte 0x0f, 0x1f, 0x44, 0, 0"     /* that a branch has room in */
#define RETURN_ARGUMENT "mov %rdi, %rax; ret"

enum { LOWER = 512 };

/* Moves sp, with the return address, as what stands at a function's entry allows. */
static inline void lower_sp(sighook_context *context)
{
  memcpy((void *)(context->rsp - LOWER), (const void *)context->rsp, sizeof context->rsp);
  context->rsp -= LOWER;
}

/* Calls a function that may come back with another sp. */
static inline long call_keeping_sp(long (*function)(long), long value)
{
  long result;

  __asm__ volatile("mov %%rsp, %%rbx\n\tlea -128(%%rsp), %%rsp\n\tand $-16, %%rsp\n\tcall *%2\n\tmov %%rbx, %%rsp"
                   : "=a"(result), "+D"(value)
                   : "r"(function)
                   : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
  return result;
}

static inline long simple_computes(long value)
{
  return value;
}

/* Where the jump at `address` leads; 0: it is none. */
static inline uintptr_t branch_target(uintptr_t address)
{
  const uint8_t *code = (const uint8_t *)address;
  int32_t displacement;

  if (code[0] != 0xE9)               /* jmp rel32 */
    return 0;
  memcpy(&displacement, code + 1, sizeof displacement);
  return address + 5 + (uintptr_t)(intptr_t)displacement;
}

/* Bytes that end where a page ends, and what a hook of the first of them is answered. */
struct last_bytes {
  uint8_t bytes[4];
  unsigned length;
  sighook_status answer;
};
static const struct last_bytes last_bytes[] = {
    {{0xe9}, 1, SIGHOOK_UNDECODABLE},
    {{0x06}, 1, SIGHOOK_UNDECODABLE},  /* no instruction of 64-bit mode */
    {{0x90}, 1, SIGHOOK_OK},
};

/* lea 7(%rdi),%rax; nop x3; ret, and patches of it */
static const uint8_t adds_7[] = {0x48, 0x8D, 0x47, 0x07, 0x90, 0x90, 0x90, 0xC3};
static const uint8_t nops[] = {0x90, 0x90, 0x90, 0x90, 0x90};
enum {
  ADDS_7_OPCODE = 0x07478D48,
  ADDS_9_OPCODE = 0x09478D48,
  ADDS_11_OPCODE = 0x0B478D48,
  INSIDE_NOPS = 1                    /* covered by a patch with nops, and where one of them begins */
};

/* Patches that are refused: one that ends inside an old instruction, one that is no whole instruction. */
struct bad_patch {
  uint8_t bytes[4];
  unsigned offset, length;
  sighook_status answer;
};
static const struct bad_patch bad_patches[] = {
    {{0x90, 0x90}, 0, 2, SIGHOOK_PATCH_TOO_LONG},
    {{0x48}, 4, 1, SIGHOOK_UNDECODABLE},
};

#endif
