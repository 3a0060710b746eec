/* What this CPU has: which registers a capture must save. */
#include <sys/auxv.h>
#include "host/host.h"
#include "host/aarch64/cpu.h"

#ifndef HWCAP_SVE
#define HWCAP_SVE (1 << 22)
#endif

#define CPU_SME (UINT64_C(1) << 23)      /* HWCAP2_SME */

void routine_integer(void);
void routine_simd(void);
void routine_sve(void);
void routine_sme(void);

static bool has_sve, has_sme;
uintptr_t cpu_vector_routine = (uintptr_t)routine_simd;

void host_start(void)
{
  has_sve = getauxval(AT_HWCAP) & HWCAP_SVE;
  has_sme = getauxval(AT_HWCAP2) & CPU_SME;
  if (has_sve)
    cpu_vector_routine = host_routine(CLASS_VECTOR);
}

uintptr_t host_routine(enum save_class save_class)
{
  if (save_class == CLASS_INTEGER)
    return (uintptr_t)routine_integer;
  if (has_sme)
    return has_sve ? (uintptr_t)routine_sme : 0;    /* streaming mode alone: no CPU has it, and no routine knows it */
  return has_sve ? (uintptr_t)routine_sve : (uintptr_t)routine_simd;
}
