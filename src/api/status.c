/* Status names and texts, the version, and the error of the calling thread. */
#include "api/boundary.h"

static __thread struct error last_error;

API const char *sighook_version(void)
{
  return SIGHOOK_VERSION;
}

sighook_status api_finish(sighook_status status, const struct error *error)
{
  if (status)
    last_error = *error;
  return status;
}

API sighook_status sighook_last_error(sighook_error *error)
{
  sighook_error known = {.size = sizeof known};

  if (!error)
    return SIGHOOK_BAD_ARGUMENT;
  if (error->size < sizeof known)
    return SIGHOOK_BAD_STRUCT_SIZE;
  known.size = error->size;
  known.status = last_error.status;
  known.os_error = last_error.os_error;
  known.os_call = last_error.os_call;
  known.address = last_error.address;
  for (size_t i = 0; i < sizeof known.message; i++)
    known.message[i] = last_error.message[i];
  *error = known;
  return SIGHOOK_OK;
}

#define STATUSES(X) \
  X(SIGHOOK_OK, "success") \
  X(SIGHOOK_BAD_ARGUMENT, "an argument is NULL, zero, or an unknown flag") \
  X(SIGHOOK_BAD_ADDRESS, "the address is not mapped, not executable, or not the start of an instruction") \
  X(SIGHOOK_BAD_STRUCT_SIZE, "a structure's size field fits no version of it") \
  X(SIGHOOK_NOT_FOUND, "there is no such hook or symbol") \
  X(SIGHOOK_ALREADY_HOOKED, "it overlaps a hook or patch that it cannot stack on") \
  X(SIGHOOK_CONFLICT, "somebody else changed the bytes there") \
  X(SIGHOOK_UNDECODABLE, "the bytes are no instruction") \
  X(SIGHOOK_UNRELOCATABLE, "the instruction cannot run elsewhere") \
  X(SIGHOOK_PATCH_TOO_LONG, "the patch does not end where an instruction ends") \
  X(SIGHOOK_OUT_OF_RANGE, "a target or operand is out of reach") \
  X(SIGHOOK_NO_MEMORY, "the system refused memory") \
  X(SIGHOOK_NO_NEAR_MEMORY, "no memory is free near enough") \
  X(SIGHOOK_PROTECT_FAILED, "the system refused a write to code") \
  X(SIGHOOK_SIGNAL_FAILED, "the system refused a signal handler") \
  X(SIGHOOK_TIMED_OUT, "a handler was still running when the time was over") \
  X(SIGHOOK_UNSUPPORTED, "not supported here")

API const char *sighook_status_name(sighook_status status)
{
  switch (status) {
#define NAME(status, text) \
  case status: \
    return #status;
    STATUSES(NAME)
  }
  return "unknown status";
}

API const char *sighook_status_text(sighook_status status)
{
  switch (status) {
#define TEXT(status, text) \
  case status: \
    return text;
    STATUSES(TEXT)
  }
  return "unknown status";
}
