/* Calls last_resort() five times, with every signal blocked. */
#include <signal.h>
#include <stddef.h>

void last_resort(void);

int main(void)
{
  sigset_t all;

  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  for (int i = 0; i < 5; i++)
    last_resort();
  return 0;
}
