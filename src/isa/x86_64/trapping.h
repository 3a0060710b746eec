#ifndef ISA_X86_64_TRAPPING_H
#define ISA_X86_64_TRAPPING_H

#include <stddef.h>
#include <stdint.h>

size_t x64_trapping_bytes(const char vendor[12], unsigned family, const uint8_t **bytes);

#endif
