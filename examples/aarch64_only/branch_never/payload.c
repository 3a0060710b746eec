/* A hooked conditional branch goes where the unhooked one goes; `b.nv` always branches, whatever its name says.
 *
 *   $ ./target                            branch_nv() = 2
 *   $ LD_PRELOAD=./payload.so ./target    branch_nv() = 2
 */
#include "payload.h"

static int seen;

static void look(uintptr_t address, sighook_context *ctx)
{
  payload_require(payload_pc(ctx) == address, "the context is not that of the patchpoint");
  seen++;
}

__attribute__((constructor)) static void install(void)
{
  payload_check(sighook_instrument(payload_symbol("branch_nv_patchpoint"), look, NULL));
}

__attribute__((destructor)) static void finish(void)
{
  payload_require(seen == 1, "the callback did not run once");
}
