/* A breakpoint met with vector registers in use, on AArch64. */
#ifndef TESTS_SIGNALS_VECTORS_H
#define TESTS_SIGNALS_VECTORS_H

#include <stdint.h>
#include <sys/auxv.h>

enum { VECTORS_SIZE = 4 * 256, SVE = 1 << 22 };     /* HWCAP_SVE */

/* Loads them, meets it, and stores them. */
void vectors_narrow(const uint8_t in[VECTORS_SIZE], uint8_t out[VECTORS_SIZE]);
void vectors_wide(const uint8_t in[VECTORS_SIZE], uint8_t out[VECTORS_SIZE]);
unsigned vectors_length(void);
__asm__(".text\n\t.p2align 4\n\t.arch_extension sve\n\t.globl vectors_narrow, vectors_wide, vectors_length\n"
        "vectors_narrow:\n\tldp q0, q7, [x0]\n\tldp q8, q31, [x0, #32]\n\tbrk #7\n\tstp q0, q7, [x1]\n\tstp q8, q31, [x1, #32]\n\tret\n"
        "vectors_wide:\n\tldr z0, [x0]\n\tldr z7, [x0, #1, mul vl]\n\tldr z8, [x0, #2, mul vl]\n\tldr z31, [x0, #3, mul vl]\n"
        "\tbrk #7\n"
        "\tstr z0, [x1]\n\tstr z7, [x1, #1, mul vl]\n\tstr z8, [x1, #2, mul vl]\n\tstr z31, [x1, #3, mul vl]\n\tret\n"
        "vectors_length:\n\trdvl x0, #1\n\tret\n");

/* How much of it is used by the widest that this CPU has. */
static inline unsigned vectors_meet(const uint8_t in[VECTORS_SIZE], uint8_t out[VECTORS_SIZE])
{
  if (getauxval(AT_HWCAP) & SVE) {
    vectors_wide(in, out);
    return 4 * vectors_length();
  }
  vectors_narrow(in, out);
  return 64;
}

#endif
