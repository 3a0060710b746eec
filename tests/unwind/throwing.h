/* What the tests of exceptions share: who is cleaned up on the way, and callbacks that count and throw. */
#ifndef TESTS_UNWIND_THROWING_H
#define TESTS_UNWIND_THROWING_H

#include <cstdarg>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}
#include <sighook/sighook.h>

static const uint32_t entries[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT};
static volatile long hits, cleaned;

namespace {
struct cleaner {
  ~cleaner() { cleaned = cleaned + 1; }
};
}   // namespace

static inline void count(sighook_context *, void *)
{
  hits = hits + 1;
}

static inline void throw_it(sighook_context *, void *)
{
  hits = hits + 1;
  throw 42;
}

static inline sighook_hook installed(uintptr_t address, sighook_handler handler, uint32_t flags)
{
  sighook_spec spec = {};
  sighook_hook hook;

  spec.size = sizeof spec;
  spec.kind = SIGHOOK_PROBE;
  spec.flags = flags;
  spec.address = address;
  spec.handler = handler;
  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  return hook;
}

static inline void expect_entry(sighook_hook hook, uint32_t flags)
{
  sighook_info info = {};

  info.size = sizeof info;
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.entry == SIGHOOK_ENTRY_TRAP, flags == SIGHOOK_FORCE_TRAP);
}

#endif
