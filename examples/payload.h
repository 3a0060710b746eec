/* What every example's payload needs: a symbol of the program it was loaded into, and an end with a reason where a call
 * fails. An example that cannot do its work must not let the program run on as if it had. */
#ifndef EXAMPLES_PAYLOAD_H
#define EXAMPLES_PAYLOAD_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sighook/sighook.h>
#include "machine.h"

static inline void payload_require(int holds, const char *what)
{
  if (!holds) {
    fprintf(stderr, "payload: %s\n", what);
    _Exit(1);
  }
}

static inline void payload_check(sighook_status status)
{
  if (status == SIGHOOK_OK)
    return;
  sighook_error error = {.size = sizeof(error)};
  sighook_last_error(&error);
  fprintf(stderr, "payload: %s: %s\n", sighook_status_name(status), error.message);
  _Exit(1);
}

/* The program exports its symbols (-rdynamic), so the dynamic linker knows them. */
static inline uintptr_t payload_symbol(const char *name)
{
  void *address = dlsym(RTLD_DEFAULT, name);
  payload_require(address != NULL, "the program lacks the symbol this payload looks for");
  return (uintptr_t)address;
}

#endif
