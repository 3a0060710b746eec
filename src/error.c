/* Error records: formatting only. May not allocate, and is never called while code is being patched. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

sighook_status error_set(struct error *error, sighook_status status, uintptr_t address, const char *format, ...)
{
  va_list arguments;

  *error = (struct error){.status = status, .address = address};
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return status;
}

sighook_status error_os(struct error *error, sighook_status status, uintptr_t address, const char *os_call, int os_error)
{
  char reason[96];

  error_set(error, status, address, "%s at %#lx failed: %s", os_call, (unsigned long)address,
            strerror_r(os_error, reason, sizeof reason));
  error->os_error = os_error;
  error->os_call = os_call;
  return status;
}
