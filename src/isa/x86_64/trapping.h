/* Bytes that trap as the first of an instruction, whatever follows them. They are for a byte of a jump's displacement at which
 * an instruction used to begin: who branches there has to trap, and a handler sends him on. With CC alone such a byte has one
 * value; each further one gives the jump one more place to lead to. Pure.
 *
 * The further ones raise #UD with the pc at the byte, and are complete by themselves: at a page's end too they trap, rather
 * than fault for want of the next page. The manuals list them as invalid in 64-bit mode: Intel's SDM, volume 2, appendix A,
 * table A-2, superscript i64 (06 07 0E 16 17 1E 1F 27 2F 37 3F 60 61 CE), and D6, which newer revisions name UDB, an opcode for
 * deliberate #UD (table A-1, superscript 1B); AMD's APM, volume 3, A.2.1 and B.3. Invalid is no promise: 40 to 4F, 62, 63, C4,
 * C5 and D5 were given new meanings. So bytes are used only on families of CPUs where every one of the family's list was
 * executed, followed by each second byte and many sorts of third ones, and at a page's end (tests/isa/trapping_test.c).
 *
 * Never listed: 82, 9A, D4, D5 and EA, which take further bytes, hence a page fault at a page's end; 62, C4, C5 and, with APX,
 * D5, which begin valid instructions; F1 (int1), whose pc is behind it by the manuals, but was at it on a virtual machine. */
#ifndef ISA_X86_64_TRAPPING_H
#define ISA_X86_64_TRAPPING_H

#include <stddef.h>
#include <stdint.h>

enum { X64_VENDOR_LENGTH = 12 };

/* How many there are, and where: first CC (SIGTRAP, pc behind it), which every CPU has, then those that raise #UD (SIGILL, pc at
 * it), ascending. vendor: ebx, edx, ecx of CPUID leaf 0; family: as displayed, the extended one added in where the base is F. */
size_t x64_trapping_bytes(const char vendor[X64_VENDOR_LENGTH], unsigned family, const uint8_t **bytes);

#endif
