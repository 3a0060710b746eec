/* Overwrites what a callback may overwrite. */
#ifndef TESTS_TRUTH_TRASH_H
#define TESTS_TRUTH_TRASH_H

static inline __attribute__((always_inline)) void trash_integers(void)
{
  __asm__ volatile(".irp n,rax,rcx,rdx,rsi,rdi,r8,r9,r10,r11\n\tmov $-2, %%\\n\n\t.endr\n\tadd $1, %%rax" ::
                       : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
}

/* The compiler knows no more vector registers than these here. */
static inline void trash_vectors(void)
{
  __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\tpcmpeqd %%xmm\\n, %%xmm\\n\n\t.endr" ::
                       : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                         "xmm12", "xmm13", "xmm14", "xmm15");
  if (__builtin_cpu_supports("avx"))
    __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\tvcmpps $15, %ymm\\n, %ymm\\n, %ymm\\n\n\t.endr");
  if (__builtin_cpu_supports("avx512f"))
    __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
                     "vpternlogd $255, %zmm\\n, %zmm\\n, %zmm\\n\n\t.endr\n\t"
                     ".irp n,0,1,2,3,4,5,6,7\n\tkxnorw %k\\n, %k\\n, %k\\n\n\t.endr");
}

/* That stack is left as it was found, empty. */
static inline void trash_x87(void)
{
  __asm__ volatile(".rept 8\n\tfldpi\n\t.endr\n\t.rept 8\n\tfstp %st(0)\n\t.endr");
}

#endif
