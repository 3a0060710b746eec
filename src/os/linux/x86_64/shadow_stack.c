/* Shadow stacks (CET; Linux 6.6, asm/prctl.h). */
#include "os/stack.h"

#include <stddef.h>
#include <stdint.h>
#include "raw_syscall.h"

enum { GET_STATUS = 0x5005, ENABLED = 1 };    /* ARCH_SHSTK_STATUS, ARCH_SHSTK_SHSTK */

const char *os_shadow_stack(void)
{
  uint64_t status = 0;

  return host_syscall2(SYS_arch_prctl, GET_STATUS, &status) == 0 && (status & ENABLED) ? "shadow stack" : NULL;
}
