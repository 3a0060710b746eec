/* Tells spoil.S what this processor has. */
#include <sys/auxv.h>
#include "spoil.h"

unsigned spoil_has_sve;

__attribute__((constructor)) static void look(void)
{
  spoil_has_sve = getauxval(AT_HWCAP) >> 22 & 1;
}
