/* The public floating-point accessors of a context: both ABIs pass the first eight in the vector registers (System V psABI
 * 3.2.3, AAPCS64 6.8.2) and return the first. */
#include <string.h>
#include "host/host.h"
#include "visibility.h"

enum { VECTOR_ARGUMENTS = 8 };

static void vector_read(sighook_context *context, unsigned index, void *value, size_t size)
{
  void *bytes = index < VECTOR_ARGUMENTS ? sighook_vector(context, index, NULL) : NULL;

  memset(value, 0, size);
  if (bytes)
    memcpy(value, bytes, size);
}

static void vector_write(sighook_context *context, unsigned index, const void *value, size_t size)
{
  void *bytes = index < VECTOR_ARGUMENTS ? sighook_vector(context, index, NULL) : NULL;

  if (bytes)
    memcpy(bytes, value, size);
}

API double sighook_arg_double(sighook_context *context, unsigned index)
{
  double value;

  vector_read(context, index, &value, sizeof value);
  return value;
}

API void sighook_set_arg_double(sighook_context *context, unsigned index, double value)
{
  vector_write(context, index, &value, sizeof value);
}

API float sighook_arg_float(sighook_context *context, unsigned index)
{
  float value;

  vector_read(context, index, &value, sizeof value);
  return value;
}

API void sighook_set_arg_float(sighook_context *context, unsigned index, float value)
{
  vector_write(context, index, &value, sizeof value);
}

API double sighook_result_double(sighook_context *context)
{
  return sighook_arg_double(context, 0);
}

API void sighook_set_result_double(sighook_context *context, double value)
{
  sighook_set_arg_double(context, 0, value);
}
