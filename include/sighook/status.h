/* What a call answers, and why it failed. */
#ifndef SIGHOOK_STATUS_H
#define SIGHOOK_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sighook_status {            /* ABI: append only */
  SIGHOOK_OK = 0,
  /* the request is wrong */
  SIGHOOK_BAD_ARGUMENT = 100,            /* NULL, zero length, unknown flag */
  SIGHOOK_BAD_ADDRESS = 101,             /* not mapped, not executable, misaligned, not an instruction boundary where that can be known */
  SIGHOOK_BAD_STRUCT_SIZE = 102,
  SIGHOOK_NOT_FOUND = 103,               /* no hook there, stale handle, no such symbol */
  SIGHOOK_ALREADY_HOOKED = 104,          /* overlaps a hook or patch of ours that it cannot stack on */
  SIGHOOK_CONFLICT = 105,                /* the bytes are not what they were: someone else patched them */
  /* the code there does not allow it */
  SIGHOOK_UNDECODABLE = 200,
  SIGHOOK_UNRELOCATABLE = 201,           /* the instruction cannot run elsewhere */
  SIGHOOK_PATCH_TOO_LONG = 202,
  SIGHOOK_OUT_OF_RANGE = 203,
  /* the system refused; sighook_error.os_error says how */
  SIGHOOK_NO_MEMORY = 300,
  SIGHOOK_NO_NEAR_MEMORY = 301,
  SIGHOOK_PROTECT_FAILED = 302,
  SIGHOOK_SIGNAL_FAILED = 303,
  SIGHOOK_TIMED_OUT = 304,
  SIGHOOK_UNSUPPORTED = 400
} sighook_status;

typedef struct sighook_error {
  size_t size;                           /* in: sizeof(sighook_error) */
  sighook_status status;
  int os_error;                          /* errno or kern_return_t; 0 if none */
  const char *os_call;                   /* "mprotect"; static; NULL if none */
  uintptr_t address;                     /* instruction or page at fault; 0 if none */
  char message[256];                     /* one line of English */
} sighook_error;

const char *sighook_version(void);                            /* [anywhere] */
const char *sighook_status_name(sighook_status);              /* "SIGHOOK_OUT_OF_RANGE" [anywhere] */
const char *sighook_status_text(sighook_status);              /* one line [anywhere] */
sighook_status sighook_last_error(sighook_error *error);

#ifdef __cplusplus
}
#endif

#endif
