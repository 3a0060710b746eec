/* x86-64 pages have nothing more. (Protection keys are kept by mprotect.) */
#include "os/linux/protection.h"

unsigned protection_extras(uintptr_t address)
{
  (void)address;
  return 0;
}

int protection_extra_flags(unsigned protection)
{
  (void)protection;
  return 0;
}
