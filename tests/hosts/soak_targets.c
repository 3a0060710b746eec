/* Functions whose results are known. */
#include "soak.h"

#define TARGET(which)                                                                                                           \
  static __attribute__((noinline)) long target_##which(long value)                                                              \
  {                                                                                                                             \
    long sum = which;                                                                                                           \
                                                                                                                                \
    for (long i = 0; i < which % 4 + 1; i++) {                                                                                  \
      __asm__ volatile("" : "+r"(sum));                                                                                         \
      sum += i == 0 ? value * (which + 3) : 0;                                                                                  \
    }                                                                                                                           \
    return sum;                                                                                                                 \
  }
#define EACH(one) one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) one(11) one(12) one(13) one(14) one(15)
EACH(TARGET)

#define ROW(which) target_##which,
long (*const soak_targets[SOAK_TARGETS])(long value) = {EACH(ROW)};

#define OWN(which)                                                                                                              \
  static __attribute__((noinline)) long own_##which(long value)                                                                 \
  {                                                                                                                             \
    long sum = value * 4;                                                                                                       \
                                                                                                                                \
    __asm__ volatile("# of " #which : "+r"(sum));   /* none is another one, folded */                                           \
    return sum + value + 3;                                                                                                     \
  }
#define EACH_OWN(one) one(0) one(1) one(2) one(3) one(4) one(5)
EACH_OWN(OWN)

#define OWN_ROW(which) own_##which,
long (*const soak_own_targets[SOAK_OWN_TARGETS])(long value) = {EACH_OWN(OWN_ROW)};

void soak_check_target(unsigned which, long value)
{
  long (*volatile target)(long) = soak_targets[which];
  long result = target(value), expected = value * (which + 3) + which;

  SOAK_REQUIRE(result == expected || result == expected + 1000);
}

long soak_throws_plain(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}

long soak_jumps_plain(long value)
{
  __asm__ volatile("" : "+r"(value));
  return value + 1;
}
