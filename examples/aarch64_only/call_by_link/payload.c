/* A hooked `blr x30`: the callback sees the target in x30, the target is called, and finds its return address there.
 *
 *   $ ./target                            call_by_link() = 4
 *   $ LD_PRELOAD=./payload.so ./target    call_by_link() = 4
 */
#include "payload.h"

static int seen;

static void look(uintptr_t address, sighook_context *ctx)
{
  payload_require(payload_pc(ctx) == address, "the context is not that of the patchpoint");
  payload_require(ctx->x[30] == payload_symbol("callee"), "the callback does not see the call's target");
  seen++;
}

__attribute__((constructor)) static void install(void)
{
  payload_check(sighook_instrument(payload_symbol("call_by_link_patchpoint"), look, NULL));
}

__attribute__((destructor)) static void finish(void)
{
  payload_require(seen == 1, "the callback did not run once");
}
