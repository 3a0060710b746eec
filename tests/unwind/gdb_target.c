/* What gdb steps through: a hooked call, and the way to it. */
#include <sighook/sighook.h>

static __attribute__((noinline)) long hooked(long n)
{
  __asm__ volatile("" : "+r"(n));
  return n + 1;
}

static __attribute__((noinline)) void callback(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  __asm__ volatile("");
}

__attribute__((noinline)) long caller(long n)
{
  return hooked(n) + 2;
}

__attribute__((noinline)) void is_over(void)
{
  __asm__ volatile("");
}

/* With an argument by a trap. */
int main(int count, char **arguments)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)hooked, .handler = callback};
  sighook_hook hook;
  long result;

  (void)arguments;
  spec.flags = count > 1 ? SIGHOOK_FORCE_TRAP : 0;
  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return 2;
  caller(0);                          /* a thread's first hit does more */
  result = caller(1);
  is_over();
  return result != 4;
}
