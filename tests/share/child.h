/* Children in which things are done that must not outlast them. */
#ifndef TESTS_SHARE_CHILD_H
#define TESTS_SHARE_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>
#include "require.h"

/* Runs `work` in a child, so that nothing of it is left behind, and answers how that ended, as waitpid tells; -1 for no child. */
int status_of_child(void (*work)(void));
/* True where the work came to its end. */
bool in_child(void (*work)(void));
bool child_is_killed_by(int signal_number, void (*work)(void));

#endif
