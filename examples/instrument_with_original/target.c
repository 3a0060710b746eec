/* The program to be hooked. calc is in assembly, so that no compiler decides what stands at its patchpoint. */
#include <stdio.h>

int calc(int a, int b);

int main(void)
{
  printf("calc(1, 2) = %d\n", calc(1, 2));
  return 0;
}
