#ifndef TESTS_SHADOW_STACK_H
#define TESTS_SHADOW_STACK_H

#define SHADOW_STACK_CALL SYS_arch_prctl
#define SHADOW_STACK_QUESTION 0x5005      /* ARCH_SHSTK_STATUS */
#define SHADOW_STACK_NAME "shadow stack"

static inline uintptr_t shadow_stack_argument(const ucontext_t *context)
{
  return (uintptr_t)context->uc_mcontext.gregs[REG_RSI];
}

static inline void shadow_stack_set_result(ucontext_t *context, long result)
{
  context->uc_mcontext.gregs[REG_RAX] = result;
}

#endif
