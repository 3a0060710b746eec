#ifndef TESTS_SHADOW_STACK_H
#define TESTS_SHADOW_STACK_H

#define SHADOW_STACK_CALL SYS_arch_prctl

/* What the kernel is asked, ARCH_SHSTK_STATUS and ARCH_CET_STATUS, and by which name hooks are refused. */
static const struct {
  unsigned question;
  const char *name;
} checks[] = {{0x5005, "shadow stack"}, {0x3001, "indirect-branch tracking"}};

static inline uintptr_t shadow_stack_argument(const ucontext_t *context)
{
  return (uintptr_t)context->uc_mcontext.gregs[REG_RSI];
}

static inline void shadow_stack_set_result(ucontext_t *context, long result)
{
  context->uc_mcontext.gregs[REG_RAX] = result;
}

#endif
