/* What of the processor an instruction takes. */
#ifndef TESTS_TRUTH_LEVEL_H
#define TESTS_TRUTH_LEVEL_H

#include <stdint.h>
#include <Zydis/Zydis.h>

enum { LEVEL_BASE, LEVEL_VECTOR, LEVEL_SPECIAL };     /* what every one has; up to AVX2; ciphers, hashes and AVX-512 */

static inline int level_of(uintptr_t address)
{
  ZydisDecodedInstruction instruction;
  ZydisDecoder decoder;

  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, (const void *)address, ZYDIS_MAX_INSTRUCTION_LENGTH,
                                                  &instruction)))
    return LEVEL_BASE;
  switch (instruction.meta.isa_ext) {
  case ZYDIS_ISA_EXT_AES:
  case ZYDIS_ISA_EXT_AVXAES:
  case ZYDIS_ISA_EXT_VAES:
  case ZYDIS_ISA_EXT_SHA:
  case ZYDIS_ISA_EXT_PCLMULQDQ:
  case ZYDIS_ISA_EXT_VPCLMULQDQ:
  case ZYDIS_ISA_EXT_AVX512EVEX:
  case ZYDIS_ISA_EXT_AVX512VEX:
    return LEVEL_SPECIAL;
  case ZYDIS_ISA_EXT_SSSE3:
  case ZYDIS_ISA_EXT_SSE4:
  case ZYDIS_ISA_EXT_AVX:
  case ZYDIS_ISA_EXT_AVX2:
  case ZYDIS_ISA_EXT_AVX2GATHER:
  case ZYDIS_ISA_EXT_FMA:
    return LEVEL_VECTOR;
  default:
    return LEVEL_BASE;
  }
}

/* What libcrypto takes where it is not told otherwise. */
static inline int level_of_processor(void)
{
  return __builtin_cpu_supports("aes") ? LEVEL_SPECIAL : __builtin_cpu_supports("ssse3") ? LEVEL_VECTOR : LEVEL_BASE;
}

#endif
