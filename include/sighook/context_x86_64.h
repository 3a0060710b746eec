/* The registers of an x86-64 site. The layout of the integer part never changes. */
#ifndef SIGHOOK_CONTEXT_X86_64_H
#define SIGHOOK_CONTEXT_X86_64_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sighook_context {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
  uint32_t state, mxcsr;                   /* at 144, 148 */
} sighook_context;

#ifdef __cplusplus
}
#endif

#endif
