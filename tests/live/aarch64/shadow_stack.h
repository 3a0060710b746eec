#ifndef TESTS_SHADOW_STACK_H
#define TESTS_SHADOW_STACK_H

#define SHADOW_STACK_CALL SYS_prctl

/* What the kernel is asked, PR_GET_SHADOW_STACK_STATUS, and by which name hooks are refused. */
static const struct {
  unsigned question;
  const char *name;
} checks[] = {{74, "guarded control stack"}};

static inline uintptr_t shadow_stack_argument(const ucontext_t *context)
{
  return context->uc_mcontext.regs[1];
}

static inline void shadow_stack_set_result(ucontext_t *context, long result)
{
  context->uc_mcontext.regs[0] = (unsigned long)result;
}

#endif
