/* x86-64 pages have nothing more. (Protection keys are kept by mprotect.) */
#include "os/linux/protection.h"

int protection_extras(uintptr_t address, unsigned *extras)
{
  (void)address;
  *extras = 0;
  return 0;
}

int protection_extra_flags(unsigned protection)
{
  (void)protection;
  return 0;
}
