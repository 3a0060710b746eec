#define _GNU_SOURCE
#include "work.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const struct piece {
  const char *name;
  long (*run)(void);
} pieces[] = {
    {"threads", work_threads},       {"ended threads", work_ended_threads},
    {"arenas", work_arenas},         {"libraries", work_libraries},
    {"no library", work_missing_library}, {"modules", work_modules},
    {"exceptions", work_exceptions}, {"jumps", work_jumps},
    {"contexts", work_contexts},     {"signals", work_signals},
    {"forks", work_forks},           {"vfork", work_vfork},
    {"clone", work_clone},           {"spawn", work_spawn},
    {"shell", work_shell},           {"memory", work_memory},
    {"text", work_text},
};

long work_status(int status)
{
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGTRAP ? WORK_TRAPPED : 1000 + WTERMSIG(status);
  return WEXITSTATUS(status) == 128 + SIGTRAP ? WORK_TRAPPED : WEXITSTATUS(status);
}

static void last_words(void)
{
  puts("atexit");
}

static void very_last_words(int status, void *user)
{
  printf("on_exit %d %s\n", status, (const char *)user);
}

void work(void)
{
  static char word[] = "word";

  on_exit(very_last_words, word);
  atexit(last_words);
  for (unsigned i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    long found = pieces[i].run();

    if (found == WORK_TRAPPED)
      printf("%s trapped\n", pieces[i].name);
    else
      printf("%s %ld\n", pieces[i].name, found);
  }
}
