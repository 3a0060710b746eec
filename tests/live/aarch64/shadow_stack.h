#ifndef TESTS_SHADOW_STACK_H
#define TESTS_SHADOW_STACK_H

#define SHADOW_STACK_CALL SYS_prctl
#define SHADOW_STACK_QUESTION 74          /* PR_GET_SHADOW_STACK_STATUS */
#define SHADOW_STACK_NAME "guarded control stack"

static inline uintptr_t shadow_stack_argument(const ucontext_t *context)
{
  return context->uc_mcontext.regs[1];
}

static inline void shadow_stack_set_result(ucontext_t *context, long result)
{
  context->uc_mcontext.regs[0] = (unsigned long)result;
}

#endif
