/* sighook_inline_hook: another function in place of one, however far away it is.
 *
 * A jump reaches 2 GiB on x86-64, and 128 MiB on AArch64. To show that nobody has to care, this payload puts the
 * replacement, which multiplies, further away than that: it copies the code into memory of its own and makes sure of the
 * distance. The old function stays callable.
 *
 *   $ ./target                            target_add(6, 7) = 13
 *   $ LD_PRELOAD=./payload.so ./target    target_add(6, 7) = 42
 */
#include "payload.h"
#include <string.h>
#include <sys/mman.h>

#define STEP (UINT64_C(1) << 32)
#define FAR_SIZE 4096

extern const unsigned char replacement_begin[], replacement_end[];

static uint64_t distance(uintptr_t a, uintptr_t b)
{
  return a > b ? a - b : b - a;
}

/* Writable memory out of a jump's reach from `from`. The kernel takes the hint where the place is free. */
static void *far_memory(uintptr_t from)
{
  for (uint64_t step = STEP; step < 64 * STEP; step += STEP) {
    void *hint = (void *)((from > 64 * STEP ? from - step : from + step) & ~(uintptr_t)(FAR_SIZE - 1));
    void *memory = mmap(hint, FAR_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    payload_require(memory != MAP_FAILED, "no memory");
    if (distance((uintptr_t)memory, from) > JUMP_REACH)
      return memory;
    munmap(memory, FAR_SIZE);
  }
  return NULL;
}

static const void *far_replacement(uintptr_t function)
{
  void *memory = far_memory(function);
  payload_require(memory != NULL, "no memory out of a jump's reach from the function");
  memcpy(memory, replacement_begin, (size_t)(replacement_end - replacement_begin));
  __builtin___clear_cache(memory, (char *)memory + FAR_SIZE);
  payload_require(mprotect(memory, FAR_SIZE, PROT_READ | PROT_EXEC) == 0, "the copy cannot be made executable");
  return memory;
}

__attribute__((constructor)) static void install(void)
{
  uintptr_t target_add = payload_symbol("target_add");
  void *original = NULL;
  payload_check(sighook_inline_hook(target_add, far_replacement(target_add), &original, NULL));
  payload_require(((int (*)(int, int))original)(6, 7) == 13, "the original function does not add any more");
}
