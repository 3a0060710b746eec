/* The program to be hooked. read_marker is in assembly: no compiler would write it. */
#include <stdio.h>

int read_marker(void);

int main(void)
{
  printf("read_marker() = %d\n", read_marker());
  return 0;
}
