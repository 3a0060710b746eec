/* Traps that would kill: what the library answers. */
#ifndef TESTS_SIGNALS_REFUSED_H
#define TESTS_SIGNALS_REFUSED_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sighook/sighook.h>
#include "require.h"

static inline int thread_id(void)
{
  return (int)syscall(SYS_gettid);
}

static inline void mask_signal(int how, int signal_number)
{
  sigset_t mask;

  sigemptyset(&mask);
  sigaddset(&mask, signal_number);
  REQUIRE(sigprocmask(how, &mask, NULL) == 0);
}

/* That the call before was refused for that thread's and that signal's sake. */
static inline void require_refused(sighook_status status, int thread, const char *signal_name)
{
  sighook_error error = {.size = sizeof error};
  char expected[64];

  snprintf(expected, sizeof expected, "would kill thread %d, which blocks %s", thread, signal_name);
  REQUIRE(sighook_last_error(&error) == SIGHOOK_OK);
  if (status == SIGHOOK_SIGNAL_FAILED && error.status == status && strstr(error.message, expected))
    return;
  fprintf(stderr, "%s: %s; expected: %s\n", sighook_status_name(status), error.message, expected);
  _exit(1);
}

#endif
