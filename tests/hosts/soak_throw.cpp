// Exceptions: thrown by a hooked function, and by callbacks.
#include <stdexcept>
#include <string>
#include "soak.h"
extern "C" {
#include "chance.h"
}

long soak_throwing(long value)
{
  std::string text = "odd " + std::to_string(value);

  if (value % 2)
    throw std::runtime_error(text);
  return value;
}

void soak_throw_it(sighook_context *, void *)
{
  throw 42;
}

namespace {

void through(long value)
{
  try {
    SOAK_REQUIRE(soak_throwing(value) == value && value % 2 == 0);
  } catch (const std::runtime_error &error) {
    SOAK_REQUIRE(value % 2 == 1 && error.what() == "odd " + std::to_string(value));
  }
}

void out_of_callback(long value)
{
  try {
    SOAK_REQUIRE(soak_throws_plain(value) == value + 1);
  } catch (int thrown) {
    SOAK_REQUIRE(thrown == 42);
  }
}

}

void soak_run_cpp(uint64_t *chance)
{
  long value = static_cast<long>(random_next(chance) % 1000);

  if (random_next(chance) % 2)
    through(value);
  else
    out_of_callback(value);
}
