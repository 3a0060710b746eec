/* The program to be hooked. calc is in assembly, so that no compiler decides what stands at its patchpoint. */
#include <stdio.h>

int calc(int a, int b);

int main(void)
{
  printf("calc(4, 5) = %d\n", calc(4, 5));
  return 0;
}
