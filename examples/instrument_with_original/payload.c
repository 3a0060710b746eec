/* sighook_instrument: a callback before an instruction, which then runs as if nothing had been there.
 *
 * At the patchpoint stands an addition of the second argument's register to the result's, which holds the first argument
 * already. The callback changes the other operand, and the original addition gives the wanted sum:
 *
 *   $ ./target                            calc(1, 2) = 3
 *   $ LD_PRELOAD=./payload.so ./target    calc(1, 2) = 42
 */
#include "payload.h"

static void choose_operand(uintptr_t address, sighook_context *ctx)
{
  payload_require(payload_pc(ctx) == address, "the context is not that of the patchpoint");
  sighook_set_arg(ctx, 1, 42 - sighook_result(ctx));
}

__attribute__((constructor)) static void install(void)
{
  payload_check(sighook_instrument(payload_symbol("calc_patchpoint"), choose_operand, NULL));
}
