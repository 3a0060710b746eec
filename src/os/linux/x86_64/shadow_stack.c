/* Shadow stacks (CET; Linux 6.6, asm/prctl.h). Indirect-branch tracking is in no Linux for programs; the question is the one that was
 * proposed for it, which glibc 2.28 to 2.38 asks (ARCH_CET_STATUS). */
#include "os/stack.h"

#include <stddef.h>
#include <stdint.h>
#include "raw_syscall.h"

enum { GET_STATUS = 0x5005, ENABLED = 1 };      /* ARCH_SHSTK_STATUS, ARCH_SHSTK_SHSTK */
enum { GET_FEATURES = 0x3001, TRACKED = 1 };    /* ARCH_CET_STATUS, GNU_PROPERTY_X86_FEATURE_1_IBT */

const char *os_flow_check(void)
{
  uint64_t status = 0, features[3] = {0};       /* the latter's shadow stack follows */

  if (host_syscall2(SYS_arch_prctl, GET_STATUS, &status) == 0 && (status & ENABLED))
    return "shadow stack";
  return host_syscall2(SYS_arch_prctl, GET_FEATURES, features) == 0 && (features[0] & TRACKED) ? "indirect-branch tracking" : NULL;
}
