/* Sets of signals, made and shown. */
#ifndef TESTS_TOOL_SETS_H
#define TESTS_TOOL_SETS_H

#include <signal.h>

/* Of one, or of none where that is 0. */
static inline sigset_t set_of(int number)
{
  sigset_t set;

  sigemptyset(&set);
  if (number)
    sigaddset(&set, number);
  return set;
}

/* Which of the watched signals are in a set: a letter for each of them, or a dash. */
static inline const char *members_of(const sigset_t *set, const int *watched, const char *letters)
{
  static char text[16];
  int i = 0;

  for (; letters[i] && i < (int)sizeof text - 1; i++)
    text[i] = sigismember(set, watched[i]) ? letters[i] : '-';
  text[i] = 0;
  return text;
}

#endif
