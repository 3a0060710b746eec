/* The program to be patched. calc is in assembly, so that exactly these four bytes stand at the patchpoint. */
#include <stdio.h>

int calc(int a, int b);

int main(void)
{
  printf("calc(6, 7) = %d\n", calc(6, 7));
  return 0;
}
