/* Error records: formatting only. May not allocate, and is never called while code is being patched. */
#undef _GNU_SOURCE /* for POSIX's form of strerror_r, which every C library has */
#define _POSIX_C_SOURCE 200809L
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set(struct error *error, sighook_status status, uintptr_t address, const char *format, va_list arguments)
{
  *error = (struct error){.status = status, .address = address};
  vsnprintf(error->message, sizeof error->message, format, arguments);
}

sighook_status error_set(struct error *error, sighook_status status, uintptr_t address, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  set(error, status, address, format, arguments);
  va_end(arguments);
  return status;
}

/* All memory comes by one call, which has one reason of weight to be refused. */
sighook_status error_memory(struct error *error, uintptr_t address, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  set(error, SIGHOOK_NO_MEMORY, address, format, arguments);
  va_end(arguments);
  error->os_error = ENOMEM;
  error->os_call = "mmap";
  return error->status;
}

sighook_status error_os(struct error *error, sighook_status status, uintptr_t address, const char *os_call, int os_error)
{
  char reason[96];

  if (strerror_r(os_error, reason, sizeof reason) != 0)
    snprintf(reason, sizeof reason, "error %d", os_error);
  if (address)
    error_set(error, status, address, "%s at %#lx failed: %s", os_call, (unsigned long)address, reason);
  else
    error_set(error, status, address, "%s failed: %s", os_call, reason);
  error->os_error = os_error;
  error->os_call = os_call;
  return status;
}
