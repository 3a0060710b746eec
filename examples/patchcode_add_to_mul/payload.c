/* sighook_patchcode: four bytes of code changed for good, no callback.
 *
 * `addl %esi, %eax` (two bytes) and the two `nop` after it become `imull %esi, %eax` (three bytes) and one `nop`. The
 * call takes the new bytes as a number, first byte lowest, and gives back the old ones in the same form.
 *
 *   $ ./target                            calc(6, 7) = 13
 *   $ LD_PRELOAD=./payload.so ./target    calc(6, 7) = 42
 */
#include "payload.h"

#define ADD_NOP_NOP UINT32_C(0x9090f001) /* 01 f0     add  %esi,%eax; 90 nop; 90 nop */
#define IMUL_NOP UINT32_C(0x90c6af0f)    /* 0f af c6  imul %esi,%eax; 90 nop */

__attribute__((constructor)) static void install(void)
{
  uint32_t original = 0;
  payload_check(sighook_patchcode(payload_symbol("calc_patchpoint"), IMUL_NOP, &original));
  payload_require(original == ADD_NOP_NOP, "the bytes that stood there are not those of the example");
}
