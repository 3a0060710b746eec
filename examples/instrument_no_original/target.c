/* The program to be hooked: calc(a, b) adds, at an instruction that has a symbol of its own. Assembly, so that no
 * compiler decides what stands there. */
#include <stdio.h>

int calc(int a, int b);

__asm__(".text\n"
        ".globl calc, calc_patchpoint\n"
        ".type calc, @function\n"
        ".type calc_patchpoint, @notype\n"
        ".p2align 4\n"
        "calc:\n"
        ".cfi_startproc\n"
        "  movl %edi, %eax\n"
        "calc_patchpoint:\n"
        "  addl %esi, %eax\n"
        "  ret\n"
        ".cfi_endproc\n"
        ".size calc, . - calc\n");

int main(void)
{
  printf("calc(4, 5) = %d\n", calc(4, 5));
  return 0;
}
