/* What this CPU has: which registers a capture must save. */
#include <sys/auxv.h>
#include "host/host.h"

#ifndef HWCAP_SVE
#define HWCAP_SVE (1 << 22)
#endif

void routine_integer(void);
void routine_simd(void);
void routine_sve(void);

static bool has_sve;

void host_start(void)
{
  has_sve = getauxval(AT_HWCAP) & HWCAP_SVE;
}

uintptr_t host_routine(enum save_class save_class)
{
  if (save_class == CLASS_INTEGER)
    return (uintptr_t)routine_integer;
  return has_sve ? (uintptr_t)routine_sve : (uintptr_t)routine_simd;
}
