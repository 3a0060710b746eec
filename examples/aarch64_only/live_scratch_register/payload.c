/* A hook in the middle of a function, where every register may be live, x16 and x17 too: the callback sees the value, and the
 * function finds it unharmed.
 *
 *   $ ./target                            read_marker() = 4660
 *   $ LD_PRELOAD=./payload.so ./target    read_marker() = 4660
 */
#include "payload.h"

static int seen;

static void look(uintptr_t address, sighook_context *ctx)
{
  payload_require(payload_pc(ctx) == address, "the context is not that of the patchpoint");
  payload_require(ctx->x[16] == 0x1234, "the callback does not see the live register");
  seen++;
}

__attribute__((constructor)) static void install(void)
{
  payload_check(sighook_instrument(payload_symbol("read_marker_patchpoint"), look, NULL));
}

__attribute__((destructor)) static void finish(void)
{
  payload_require(seen == 1, "the callback did not run once");
}
