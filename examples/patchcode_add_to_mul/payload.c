/* sighook_patchcode: four bytes of code changed for good, no callback.
 *
 * An addition becomes a multiplication; <machine>/patch.h has the bytes. The call takes the new ones as a number, first
 * byte lowest, and gives back the old ones in the same form.
 *
 *   $ ./target                            calc(6, 7) = 13
 *   $ LD_PRELOAD=./payload.so ./target    calc(6, 7) = 42
 */
#include "payload.h"
#include "patch.h"

__attribute__((constructor)) static void install(void)
{
  uint32_t original = 0;
  payload_check(sighook_patchcode(payload_symbol(PATCH_SYMBOL), PATCH_NEW, &original));
  payload_require(original == PATCH_OLD, "the bytes that stood there are not those of the example");
}
