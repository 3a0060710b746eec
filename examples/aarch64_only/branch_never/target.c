/* The program to be hooked. branch_nv is in assembly: no compiler would write it. */
#include <stdio.h>

int branch_nv(void);

int main(void)
{
  printf("branch_nv() = %d\n", branch_nv());
  return 0;
}
