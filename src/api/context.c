/* The public accessors of a context that are the same on every machine. An integer-only handler may call them, hence compiled
 * for general registers only. */
#include "host/host.h"
#include "visibility.h"

API uint64_t sighook_arg(const sighook_context *context, unsigned index)
{
  return *host_argument((sighook_context *)context, index);
}

API void sighook_set_arg(sighook_context *context, unsigned index, uint64_t value)
{
  *host_argument(context, index) = value;
}

API uint64_t sighook_result(const sighook_context *context)
{
  return *host_result((sighook_context *)context);
}

API void sighook_set_result(sighook_context *context, uint64_t value)
{
  *host_result(context) = value;
}

API void sighook_skip(sighook_context *context)
{
  host_skip(context, host_frame_site(host_frame(context)));
}

API void *sighook_call_data(sighook_context *context)
{
  (void)context;
  return NULL;   /* no SIGHOOK_CALL hooks yet */
}
