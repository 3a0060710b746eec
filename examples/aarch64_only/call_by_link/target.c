/* The program to be hooked. call_by_link is in assembly: no compiler would write it. */
#include <stdio.h>

int call_by_link(void);

int main(void)
{
  printf("call_by_link() = %d\n", call_by_link());
  return 0;
}
