/* Code to be written at run time, and how other hooking libraries write theirs. */
#ifndef TESTS_FAULT_CODE_H
#define TESTS_FAULT_CODE_H

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

/* Functions that add 1000, and the same rewritten, to add 2000. Each begins with one instruction of what is hooked. */
static const uint8_t long_first[] = {0x00, 0xa0, 0x0f, 0x91, /* add x0,x0,#1000 */
                                     0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5,
                                     0xc0, 0x03, 0x5f, 0xd6};
static const uint8_t long_second[] = {0x00, 0x40, 0x1f, 0x91, /* add x0,x0,#2000 */
                                      0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5,
                                      0xc0, 0x03, 0x5f, 0xd6};
static const uint8_t short_first[] = {0xe1, 0x03, 0x00, 0xaa,  /* mov x1,x0 */
                                      0x20, 0xa0, 0x0f, 0x91,  /* add x0,x1,#1000 */
                                      0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6, 0x1f, 0x20, 0x03, 0xd5};
static const uint8_t short_second[] = {0xe2, 0x03, 0x00, 0xaa, /* mov x2,x0 */
                                       0x40, 0x40, 0x1f, 0x91, /* add x0,x2,#2000 */
                                       0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6, 0x1f, 0x20, 0x03, 0xd5};
#define SHORT_ENTRY SIGHOOK_ENTRY_BRANCH
enum { CODE_LENGTH = sizeof long_first };

/* The instructions that others displace. */
enum {
  NEAR_LENGTH = 4, NEAR_DISPLACED = 4, FAR_LENGTH = 16, FAR_DISPLACED = 16,
  BREAKPOINT_DISPLACED = 4, BREAKPOINT_LENGTH = 4
};

static inline unsigned code_word(uint8_t *bytes, uint32_t word)
{
  memcpy(bytes, &word, sizeof word);
  return sizeof word;
}

/* b; its length. */
static inline unsigned code_near(uint8_t *bytes, uintptr_t from, uintptr_t to)
{
  return code_word(bytes, 0x14000000 | ((uint32_t)((to - from) >> 2) & 0x3ffffff));
}

/* ldr x16,.+8; br x16; and the address; its length. */
static inline unsigned code_far(uint8_t *bytes, uintptr_t to)
{
  code_word(bytes, 0x58000050);
  code_word(bytes + 4, 0xd61f0200);
  memcpy(bytes + 8, &to, sizeof to);
  return FAR_LENGTH;
}

static inline unsigned code_breakpoint(uint8_t *bytes)
{
  return code_word(bytes, 0xd4200020);                         /* brk #1 */
}

/* Where the branch at `address` leads. */
static inline uintptr_t code_target(const uint8_t *address)
{
  uint32_t word;

  memcpy(&word, address, sizeof word);
  return (uintptr_t)address + (uintptr_t)((intptr_t)((int32_t)(word << 6) >> 6) * 4);
}

/* Of a breakpoint in a signal frame: where it is; and where to go on. */
static inline uintptr_t code_stopped_at(const ucontext_t *frame)
{
  return (uintptr_t)frame->uc_mcontext.pc;
}

static inline void code_go_on_at(ucontext_t *frame, uintptr_t address)
{
  frame->uc_mcontext.pc = address;
}

#endif
