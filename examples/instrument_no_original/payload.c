/* sighook_instrument_no_original: a callback in place of an instruction.
 *
 * At the patchpoint stands an addition. It never runs: the callback writes the result, and the program goes on at the
 * instruction after it.
 *
 *   $ ./target                            calc(4, 5) = 9
 *   $ LD_PRELOAD=./payload.so ./target    calc(4, 5) = 99
 */
#include "payload.h"

static void answer(uintptr_t address, sighook_context *ctx)
{
  payload_require(payload_pc(ctx) == address, "the context is not that of the patchpoint");
  sighook_set_result(ctx, 99);
}

__attribute__((constructor)) static void install(void)
{
  payload_check(sighook_instrument_no_original(payload_symbol("calc_patchpoint"), answer, NULL));
}
