/* Code to be written at run time, and how other hooking libraries write theirs. */
#ifndef TESTS_FAULT_CODE_H
#define TESTS_FAULT_CODE_H

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

/* Functions that add 1000, and the same rewritten, to add 2000. Each begins with one instruction of what is hooked. */
static const uint8_t long_first[] = {0x48, 0x8d, 0x87, 0xe8, 0x03, 0, 0, /* lea 1000(%rdi),%rax */
                                     0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3};
static const uint8_t long_second[] = {0x48, 0x8d, 0x87, 0xd0, 0x07, 0, 0, /* lea 2000(%rdi),%rax */
                                      0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3};
static const uint8_t short_first[] = {0x48, 0x89, 0xf8,                    /* mov %rdi,%rax */
                                      0x48, 0x05, 0xe8, 0x03, 0, 0,        /* add $1000,%rax */
                                      0xc3, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90};
static const uint8_t short_second[] = {0x48, 0x8b, 0xc7,                   /* mov %rdi,%rax, in its other form */
                                       0x48, 0x8d, 0x80, 0xd0, 0x07, 0, 0, /* lea 2000(%rax),%rax */
                                       0xc3, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90};
#define SHORT_ENTRY SIGHOOK_ENTRY_PUNNED
enum { CODE_LENGTH = sizeof long_first };

/* The instructions that others displace: those of long_first that their branch covers. */
enum {
  NEAR_LENGTH = 5, NEAR_DISPLACED = 7, FAR_LENGTH = 12, FAR_DISPLACED = 12,
  BREAKPOINT_DISPLACED = 7, BREAKPOINT_LENGTH = 1
};

/* jmp rel32; its length. */
static inline unsigned code_near(uint8_t *bytes, uintptr_t from, uintptr_t to)
{
  int32_t displacement = (int32_t)(to - (from + NEAR_LENGTH));

  bytes[0] = 0xe9;
  memcpy(bytes + 1, &displacement, sizeof displacement);
  return NEAR_LENGTH;
}

/* mov $to,%rax; jmp *%rax; its length. */
static inline unsigned code_far(uint8_t *bytes, uintptr_t to)
{
  static const uint8_t move[] = {0x48, 0xb8}, jump[] = {0xff, 0xe0};

  memcpy(bytes, move, sizeof move);
  memcpy(bytes + sizeof move, &to, sizeof to);
  memcpy(bytes + sizeof move + sizeof to, jump, sizeof jump);
  return FAR_LENGTH;
}

static inline unsigned code_breakpoint(uint8_t *bytes)
{
  bytes[0] = 0xcc;
  return BREAKPOINT_LENGTH;
}

/* Where the branch at `address` leads. */
static inline uintptr_t code_target(const uint8_t *address)
{
  int32_t displacement;

  memcpy(&displacement, address + 1, sizeof displacement);
  return (uintptr_t)address + NEAR_LENGTH + (uintptr_t)(intptr_t)displacement;
}

/* Of a breakpoint in a signal frame: where it is; and where to go on. */
static inline uintptr_t code_stopped_at(const ucontext_t *frame)
{
  enum { RIP = 16 };

  return (uintptr_t)frame->uc_mcontext.gregs[RIP] - BREAKPOINT_LENGTH;
}

static inline void code_go_on_at(ucontext_t *frame, uintptr_t address)
{
  enum { RIP = 16 };

  frame->uc_mcontext.gregs[RIP] = (long long)address;
}

#endif
