/* Guarded control stacks (FEAT_GCS; Linux 6.13, linux/prctl.h). */
#include "os/stack.h"

#include <stddef.h>
#include <stdint.h>
#include "raw_syscall.h"

enum { GET_STATUS = 74, ENABLED = 1 };        /* PR_GET_SHADOW_STACK_STATUS, PR_SHADOW_STACK_ENABLE */

const char *os_flow_check(void)
{
  uint64_t status = 0;
  long answer = host_syscall6(SYS_prctl, GET_STATUS, (long)&status, 0, 0, 0, 0);   /* the rest must be zero */

  return answer == 0 && (status & ENABLED) ? "guarded control stack" : NULL;
}
