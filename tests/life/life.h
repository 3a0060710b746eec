/* What the tests of lifetimes share: hooks that must come to be, also in children. */
#ifndef TESTS_LIFE_H
#define TESTS_LIFE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sighook/sighook.h>
#include "child.h"
#include "require.h"

static inline sighook_spec spec_for(long (*function)(long), sighook_handler handler, uint32_t flags)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = (uintptr_t)function, .handler = handler, .flags = flags};
}

static inline sighook_hook must_install(sighook_spec spec)
{
  sighook_hook hook;
  sighook_error error = {.size = sizeof error};

  if (sighook_install(&spec, &hook) != SIGHOOK_OK) {
    sighook_last_error(&error);
    fprintf(stderr, "%s\n", error.message);
    REQUIRE(!"installed");
  }
  return hook;
}

static inline sighook_info must_query(sighook_hook hook)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK);
  return info;
}

#endif
