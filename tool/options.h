/* The options of a verb: one table, from which they are read and the help is printed. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <stddef.h>

struct option_entry {
  int key;                 /* letter; above 255: only a long name */
  const char *name;        /* NULL: only a letter */
  const char *argument;    /* NULL: none */
  const char *help;        /* NULL: known, but not there yet */
};

/* Reads options up to the first argument that is none. `take` answers 0 to go on, else the exit status plus one, which is
 * returned. `*first` is the place of the command in `argv`. */
int options_read(int argc, char **argv, const struct option_entry *entries, size_t count,
                 int (*take)(void *data, int key, const char *argument), void *data, int *first);
void options_help(const struct option_entry *entries, size_t count);

#endif
