/* The reason a call failed, carried inward to outward. Every fallible function of the library takes a `struct error *`
 * last and fills it before it returns a status that is not SIGHOOK_OK; only src/api publishes it to the calling thread. */
#ifndef ERROR_H
#define ERROR_H

#include <stdint.h>
#include <sighook/status.h>

struct error {
  sighook_status status;
  int os_error;
  const char *os_call;
  uintptr_t address;
  char message[256];
};

/* Fills `error` and returns `status`, so that a failing function ends with `return error_set(...)`. */
sighook_status error_set(struct error *error, sighook_status status, uintptr_t address, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same where the system gave no memory. */
sighook_status error_memory(struct error *error, uintptr_t address, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a system call that failed with `os_error`. */
sighook_status error_os(struct error *error, sighook_status status, uintptr_t address, const char *os_call, int os_error);

#endif
