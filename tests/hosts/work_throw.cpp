// Exceptions through several frames, nested ones, and one a thread.
#include <pthread.h>
#include <stdexcept>
#include <string>
#include "work.h"

namespace {

struct counted {
  explicit counted(long &count) : count(count) {}
  ~counted() { ++count; }
  long &count;
};

__attribute__((noinline)) void deep(int depth, long &count)
{
  counted here(count);

  if (depth == 0)
    throw std::runtime_error("deep");
  deep(depth - 1, count);
  __asm__ volatile("");
}

long nested()
{
  long count = 0;

  try {
    try {
      deep(5, count);
    } catch (const std::exception &error) {
      count += 10 * (std::string(error.what()) == "deep");
      throw;
    }
  } catch (const std::runtime_error &) {
    try {
      throw 100;
    } catch (int value) {
      count += value;
    }
  }
  return count;
}

void *in_thread(void *result)
{
  *static_cast<long *>(result) = nested();
  return nullptr;
}

}

long work_exceptions()
{
  long result = 0;
  pthread_t thread;

  if (pthread_create(&thread, nullptr, in_thread, &result) == 0)
    pthread_join(thread, nullptr);
  return nested() * 1000 + result;
}
