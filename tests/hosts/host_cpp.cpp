// C++: exceptions through a hooked function, and out of a callback, beside what the language's own library does.
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
#include <sighook/sighook.h>
#include "host.h"

namespace {

unsigned long hits;

__attribute__((noinline)) long throws(long value)
{
  std::string text = "value " + std::to_string(value);

  if (value % 2)
    throw std::runtime_error(text);
  return (long)text.size();
}

// Without tables of its own, which would have to cover its first address.
__attribute__((noinline)) long plain(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 5;
}

long (*volatile call)(long) = throws;
long (*volatile call_plain)(long) = plain;

long work()
{
  std::map<std::string, std::vector<long>> found;

  for (long i = 0; i < 20; i++)
    try {
      found["sizes"].push_back(call(i));
    } catch (const std::exception &error) {
      found[error.what()].push_back(i);
    }
  return (long)found.size() * 100 + (long)found["sizes"].size();
}

void count(sighook_context *, void *)
{
  hits++;
}

void throw_it(sighook_context *, void *)
{
  hits++;
  throw 5;
}

sighook_spec probe(long (*function)(long), sighook_handler handler, uint32_t flags)
{
  sighook_spec spec = {};

  spec.size = sizeof spec;
  spec.kind = SIGHOOK_PROBE;
  spec.flags = flags;
  spec.address = (uintptr_t)function;
  spec.handler = handler;
  return spec;
}

bool exceptions_pass(uint32_t flags)
{
  sighook_spec spec = probe(throws, count, flags);
  sighook_hook hook;
  long expected = work(), hooked;
  unsigned long before = hits;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return host_refused();
  hooked = work();
  return sighook_remove(hook) == SIGHOOK_OK && hooked == expected && hits == before + 20;
}

bool callbacks_throw(uint32_t flags)
{
  sighook_spec spec = probe(plain, throw_it, flags);
  sighook_hook hook;
  int caught = 0;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return host_refused();
  for (int i = 0; i < 10; i++)
    try {
      call_plain(2);
    } catch (int value) {
      caught += value;
    }
  return host_removed(hook) && caught == 50 && call_plain(2) == 7;
}

}

void host_check_more()
{
  check("exceptions pass through a hooked function", exceptions_pass(0) && exceptions_pass(SIGHOOK_FORCE_TRAP));
  check("callbacks throw", callbacks_throw(0) && callbacks_throw(SIGHOOK_FORCE_TRAP));
}
