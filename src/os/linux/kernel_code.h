/* Code that the kernel brings along. */
#ifndef OS_LINUX_KERNEL_CODE_H
#define OS_LINUX_KERNEL_CODE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether `address` is in it, where the vDSO is [vdso, vdso_end), and what it is in. */
static inline bool kernel_code_covers(uintptr_t address, uintptr_t vdso, uintptr_t vdso_end, const char **name)
{
  const uintptr_t vsyscall = UINT64_C(0xFFFFFFFFFF600000);

  if (address >= vsyscall)
    *name = "it is in the vsyscall page";
  else if (address >= vdso && address < vdso_end)
    *name = "it is in the vDSO, which the kernel owns";
  else
    return false;
  return true;
}

#endif
