/* The program to be hooked. target_add is in assembly, so that no compiler inlines it or knows its result. */
#include <stdio.h>

int target_add(int a, int b);

int main(void)
{
  printf("target_add(6, 7) = %d\n", target_add(6, 7));
  return 0;
}
