/* Options by getopt_long, from a verb's table. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "count.h"

enum { ENTRIES_MAX = 48, LETTER_LAST = 255, HELP_COLUMN = 16 };

static const struct option_entry *entry_of(const struct option_entry *entries, size_t count, int key)
{
  for (size_t i = 0; i < count; i++)
    if (entries[i].key == key)
      return &entries[i];
  return NULL;
}

static void fill_tables(const struct option_entry *entries, size_t count, char *letters, struct option *names)
{
  *letters++ = '+';                    /* the command's own options are the command's */
  for (size_t i = 0; i < count && i < ENTRIES_MAX; i++) {
    if (entries[i].key <= LETTER_LAST) {
      *letters++ = (char)entries[i].key;
      if (entries[i].argument)
        *letters++ = ':';
    }
    if (entries[i].name)
      *names++ = (struct option){entries[i].name, entries[i].argument ? required_argument : no_argument, NULL,
                                 entries[i].key};
  }
  *letters = 0;
  *names = (struct option){0};
}

static int not_there_yet(const struct option_entry *entry)
{
  if (entry->name)
    fprintf(stderr, "sighook: --%s is not there yet in version %s\n", entry->name, SIGHOOK_VERSION);
  else
    fprintf(stderr, "sighook: -%c is not there yet in version %s\n", entry->key, SIGHOOK_VERSION);
  return OWN_FAILURE + 1;
}

int options_read(int argc, char **argv, const struct option_entry *entries, size_t count,
                 int (*take)(void *data, int key, const char *argument), void *data, int *first)
{
  char letters[2 * ENTRIES_MAX + 2];
  struct option names[ENTRIES_MAX + 1];
  char *verb = argv[0];
  int key, status = 0;

  fill_tables(entries, count, letters, names);
  argv[0] = (char *)"sighook";         /* for getopt's messages */
  while (!status && (key = getopt_long(argc, argv, letters, names, NULL)) != -1) {
    const struct option_entry *entry = entry_of(entries, count, key);

    if (!entry) {
      fprintf(stderr, "  try: sighook %s --help\n", verb);
      status = OWN_FAILURE + 1;
    } else {
      status = entry->help ? take(data, key, optarg) : not_there_yet(entry);
    }
  }
  argv[0] = verb;
  *first = optind;
  return status;
}

void options_help(const struct option_entry *entries, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    char text[64];
    int length = 0;

    if (!entries[i].help || !*entries[i].help)
      continue;
    if (entries[i].key <= LETTER_LAST)
      length = snprintf(text, sizeof text, "-%c%s%s", entries[i].key, entries[i].argument ? " " : "",
                        entries[i].argument ? entries[i].argument : "");
    else
      length = snprintf(text, sizeof text, "--%s%s%s", entries[i].name, entries[i].argument ? "=" : "",
                        entries[i].argument ? entries[i].argument : "");
    printf("  %-*s%s%s\n", HELP_COLUMN, text, length >= HELP_COLUMN ? " " : "", entries[i].help);
  }
}
