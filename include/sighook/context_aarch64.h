/* The registers of an AArch64 site. The layout of the integer part never changes. */
#ifndef SIGHOOK_CONTEXT_AARCH64_H
#define SIGHOOK_CONTEXT_AARCH64_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sighook_context {
  uint64_t x[31], sp, pc;                  /* sp at 248, pc at 256 */
  uint32_t cpsr, state, fpsr, fpcr;        /* at 264 */
} sighook_context;

#ifdef __cplusplus
}
#endif

#endif
