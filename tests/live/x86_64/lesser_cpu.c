/* In place of what tells the library what this CPU has: one that has fewer registers. */
#define host_start start_with_all
#include "host/x86_64/cpu.c"
#undef host_start

void host_start(void)
{
  start_with_all();
  level = level < TEST_LEVEL ? level : TEST_LEVEL;
}
