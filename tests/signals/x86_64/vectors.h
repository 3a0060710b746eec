/* A breakpoint met with vector registers in use, on x86-64. */
#ifndef TESTS_SIGNALS_VECTORS_H
#define TESTS_SIGNALS_VECTORS_H

#include <stdint.h>

enum { VECTORS_SIZE = 4 * 64 };

/* Loads them, meets it, and stores them. */
void vectors_narrow(const uint8_t in[VECTORS_SIZE], uint8_t out[VECTORS_SIZE]);
void vectors_wide(const uint8_t in[VECTORS_SIZE], uint8_t out[VECTORS_SIZE]);
__asm__(".text\n\t.p2align 4\n\t.globl vectors_narrow, vectors_wide\n"
        "vectors_narrow:\n\tmovups (%rdi), %xmm0\n\tmovups 16(%rdi), %xmm7\n\tmovups 32(%rdi), %xmm8\n\tmovups 48(%rdi), %xmm15\n"
        "\tint3\n"
        "\tmovups %xmm0, (%rsi)\n\tmovups %xmm7, 16(%rsi)\n\tmovups %xmm8, 32(%rsi)\n\tmovups %xmm15, 48(%rsi)\n\tret\n"
        "vectors_wide:\n\tvmovups (%rdi), %zmm0\n\tvmovups 64(%rdi), %zmm15\n\tvmovups 128(%rdi), %zmm16\n\tvmovups 192(%rdi), %zmm31\n"
        "\tint3\n"
        "\tvmovups %zmm0, (%rsi)\n\tvmovups %zmm15, 64(%rsi)\n\tvmovups %zmm16, 128(%rsi)\n\tvmovups %zmm31, 192(%rsi)\n"
        "\tvzeroupper\n\tret\n");

/* How much of it is used by the widest that this CPU has. */
static inline unsigned vectors_meet(const uint8_t in[VECTORS_SIZE], uint8_t out[VECTORS_SIZE])
{
  if (__builtin_cpu_supports("avx512f")) {
    vectors_wide(in, out);
    return VECTORS_SIZE;
  }
  vectors_narrow(in, out);
  return VECTORS_SIZE / 4;
}

#endif
