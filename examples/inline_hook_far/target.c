/* The program to be hooked: target_add adds. Assembly, so that no compiler inlines it or knows its result. */
#include <stdio.h>

int target_add(int a, int b);

__asm__(".text\n"
        ".globl target_add\n"
        ".type target_add, @function\n"
        ".p2align 4\n"
        "target_add:\n"
        ".cfi_startproc\n"
        "  movl %edi, %eax\n"
        "  addl %esi, %eax\n"
        "  ret\n"
        ".cfi_endproc\n"
        ".size target_add, . - target_add\n");

int main(void)
{
  printf("target_add(6, 7) = %d\n", target_add(6, 7));
  return 0;
}
