#include "a64_families.h"
#include "a64_forms.h"

#include "isa/aarch64/encode.h"

#include <assert.h>
#include <sys/auxv.h>

/* Where a field begins that is run through. */
enum {
  RD = 0,
  RN = 5,
  BIT = 19
};

#define HAS_HBC (1UL << 44)

struct family {
  uint32_t word, chance; /* chance: the bits that are left to it */
  uint8_t shift, values;
};

/* Distances are chosen with the state. */
static const struct family families[] = {
    {0x10000000, 0, RD, 32},                                            /* adr */
    {0x90000000, 0, RD, 32},                                            /* adrp */
    {0x18000000, 0, RD, 32},                                            /* ldr w */
    {0x58000000, 0, RD, 32},                                            /* ldr x */
    {0x98000000, 0, RD, 32},                                            /* ldrsw */
    {0x1C000000, 0, RD, 32},                                            /* ldr s */
    {0x5C000000, 0, RD, 32},                                            /* ldr d */
    {0x9C000000, 0, RD, 32},                                            /* ldr q */
    {0xD8000000, 0, RD, 32},                                            /* prfm */
    {0x14000000, 0x3FF, RD, 32},                                        /* b */
    {0x94000000, 0x3FF, RD, 32},                                        /* bl */
    {0x54000000, 0, RD, 16},                                            /* b.cond */
    {0x54000010, 0, RD, 16},                                            /* bc.cond */
    {0x34000000, 0, RD, 32},                                            /* cbz w */
    {0xB4000000, 0, RD, 32},                                            /* cbz x */
    {0x35000000, 0, RD, 32},                                            /* cbnz w */
    {0xB5000000, 0, RD, 32},                                            /* cbnz x */
    {0x36000000, 0x1F, BIT, 32},                                        /* tbz, bits 0 to 31 */
    {0xB6000000, 0x1F, BIT, 32},                                        /* tbz, bits 32 to 63 */
    {0x37000000, 0x1F, BIT, 32},                                        /* tbnz */
    {0xB7000000, 0x1F, BIT, 32},      {0x74000000, 0x80FF001F, RD, 32}, /* cbgt w1,w2 and so on */
    {0x74008000, 0x00FF401F, RD, 32},                                   /* cbbgt, cbhgt */
    {0x75000000, 0x80FF801F, RD, 32},                                   /* cbgt w1,#2 */
    {0xD61F0000, 0, RN, 32},                                            /* br */
    {0xD63F0000, 0, RN, 32},                                            /* blr */
    {0xD65F0000, 0, RN, 32},                                            /* ret */
    {0xD61F081F, 0x400, RN, 32},                                        /* braaz, brabz */
    {0xD71F0800, 0x41F, RN, 32},                                        /* braa, brab */
    {0xD71F0800, 0x7E0, RD, 32},                                        /* by all modifiers */
    {0xD63F081F, 0x400, RN, 32},                                        /* blraaz, blrabz */
    {0xD73F0800, 0x41F, RN, 32},                                        /* blraa, blrab */
    {0xD73F0800, 0x7E0, RD, 32},                                        /* by all modifiers */
    {0xD65F0BFF, 0x400, RD, 1},                                         /* retaa, retab */
};

/* bc.al and bc.nv are always taken; where there is no bc.cond they are undefined, which the relocator does not mind. */
static bool is_undefined_branch(uint32_t word)
{
  return (word & 0xFF00001E) == 0x5400001E && !(getauxval(AT_HWCAP2) & HAS_HBC);
}

size_t a64_families(uint32_t words[A64_FAMILY_WORDS_MAX], uint64_t *random)
{
  size_t count = 0;
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    const struct family *family = &families[i];
    for (uint32_t value = 0; value < family->values; value++) {
      uint32_t chance = (uint32_t)next_random(random) & family->chance;
      uint32_t word = family->word | chance | value << family->shift;
      assert(count < A64_FAMILY_WORDS_MAX);
      if (!is_undefined_branch(word))
        words[count++] = word;
    }
  }
  return count;
}
