/* What this CPU has: which registers a capture must save, and which prefixes a punned jump may carry. */
#include <cpuid.h>
#include "host/host.h"
#include "host/x86_64/cpu.h"
#include "host/x86_64/layout.h"
#include "isa/x86_64/trapping.h"

void routine_integer(void);
void routine_vector_sse(void);
void routine_vector_avx(void);
void routine_vector_avx512(void);
void routine_full_sse(void);
void routine_full_avx(void);
void routine_full_avx512(void);

enum vector_level { LEVEL_SSE, LEVEL_AVX, LEVEL_AVX512, LEVEL_UNKNOWN };

static enum vector_level level;
static unsigned prefixes_max;
static const uint8_t *trapping;
static unsigned trapping_count;

/* XCR0: the register files that the system has switched on (SDM vol. 1, 13.3). */
enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xE6, XCR0_APX = 1 << 19 };

static uint64_t read_xcr0(void)
{
  uint32_t low, high;

  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | (uint64_t)high << 32;
}

static enum vector_level find_level(void)
{
  unsigned a, b, c, d;
  uint64_t xcr0;

  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
    return LEVEL_SSE;
  xcr0 = read_xcr0();
  if (xcr0 & XCR0_APX)
    return LEVEL_UNKNOWN;
  if ((xcr0 & XCR0_AVX512) == XCR0_AVX512) {
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    return b & bit_AVX512BW ? LEVEL_AVX512 : LEVEL_UNKNOWN;  /* without BW, kmovq is not there */
  }
  return (xcr0 & XCR0_AVX) == XCR0_AVX ? LEVEL_AVX : LEVEL_SSE;
}

/* The maker's name, and the family as both makers have it shown (APM vol. 3, CPUID Fn0000_0001_EAX). */
static unsigned find_family(char vendor[12])
{
  unsigned a, b, c, d, family;

  __cpuid(0, a, b, c, d);
  __builtin_memcpy(vendor, &b, sizeof b);
  __builtin_memcpy(vendor + 4, &d, sizeof d);
  __builtin_memcpy(vendor + 8, &c, sizeof c);
  __cpuid(1, a, b, c, d);
  family = (a >> 8) & 0xF;
  return family == 0xF ? family + ((a >> 20) & 0xFF) : family;
}

/* A segment override before a jump is reserved by the manuals; families where it was run and is ignored. */
static bool override_tried(const char vendor[12], unsigned family)
{
  return __builtin_memcmp(vendor, "AuthenticAMD", 12) == 0 && (family == 0x19 || family == 0x1A);
}

void host_start(void)
{
  char vendor[12];
  unsigned family = find_family(vendor);

  level = find_level();
  prefixes_max = override_tried(vendor, family) ? 3 : 2;
  trapping_count = (unsigned)x64_trapping_bytes(vendor, family, &trapping);
}

uintptr_t host_routine(enum save_class save_class)
{
  static void (*const routines[][2])(void) = {
      [LEVEL_SSE] = {routine_vector_sse, routine_full_sse},
      [LEVEL_AVX] = {routine_vector_avx, routine_full_avx},
      [LEVEL_AVX512] = {routine_vector_avx512, routine_full_avx512},
  };

  if (save_class == CLASS_INTEGER)
    return (uintptr_t)routine_integer;
  if (level == LEVEL_UNKNOWN)
    return 0;
  return (uintptr_t)routines[level][save_class == CLASS_FULL];
}

size_t cpu_vector_width(void)
{
  static const uint8_t width[] = {[LEVEL_SSE] = 16, [LEVEL_AVX] = 32, [LEVEL_AVX512] = 64, [LEVEL_UNKNOWN] = 0};

  return width[level];
}

unsigned cpu_vector_count(void)
{
  return level == LEVEL_AVX512 ? 32 : 16;
}

size_t cpu_area_size(void)
{
  static const uint16_t size[] = {[LEVEL_SSE] = AREA_SSE, [LEVEL_AVX] = AREA_AVX, [LEVEL_AVX512] = AREA_AVX512, [LEVEL_UNKNOWN] = 0};

  return size[level];
}

unsigned cpu_prefixes_max(void)
{
  return prefixes_max;
}

unsigned cpu_trapping(const uint8_t **bytes)
{
  *bytes = trapping;
  return trapping_count;
}
