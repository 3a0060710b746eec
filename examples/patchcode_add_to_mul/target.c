/* The program to be patched: calc adds, with room for a longer instruction after the addition. Assembly, so that
 * exactly these four bytes stand at the patchpoint. */
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
        "  addl %esi, %eax\n" /* 01 f0 */
        "  nop\n"             /* 90 */
        "  nop\n"             /* 90 */
        "  ret\n"
        ".cfi_endproc\n"
        ".size calc, . - calc\n");

int main(void)
{
  printf("calc(6, 7) = %d\n", calc(6, 7));
  return 0;
}
