/* What a handler, or the libc functions that it calls, may do to registers that it need not preserve, and to errno. */
#ifndef TESTS_LIVE_SPOIL_H
#define TESTS_LIVE_SPOIL_H

#include <errno.h>

enum { SPOILED_ERRNO = 99 };

static inline void spoil_state(void)
{
  errno = SPOILED_ERRNO;
  __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm1, %%xmm1\n\tpcmpeqd %%xmm15, %%xmm15" ::: "xmm0", "xmm1", "xmm15");
  if (__builtin_cpu_supports("avx512bw"))
    __asm__ volatile("vpternlogd $255, %%zmm1, %%zmm1, %%zmm1\n\tvpternlogd $255, %%zmm31, %%zmm31, %%zmm31\n\t"
                     "kxnorq %%k1, %%k1, %%k1\n\tkxnorq %%k7, %%k7, %%k7" ::: "xmm1", "memory");
}

#endif
