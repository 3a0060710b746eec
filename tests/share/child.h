/* Children in which things are done that must not outlast them. */
#ifndef TESTS_SHARE_CHILD_H
#define TESTS_SHARE_CHILD_H

#include <stdbool.h>

/* Runs `work` in a child, so that nothing of it is left behind; true where that came to its end. */
bool in_child(void (*work)(void));

#endif
