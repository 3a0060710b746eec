/* `sighook count`: its options. */
#include "count.h"

#include <string.h>
#include <unistd.h>
#include "options.h"

enum { KEY_HELP = 256, KEY_EXE, KEY_NO_FOLLOW, KEY_JSON, KEY_COLOR, KEY_FORCE_TRAP, KEY_LATER };

static const struct option_entry entries[] = {
    {'e', NULL, "SEL", "count these functions; may be repeated; commas separate"},
    {'x', NULL, "SEL", "but not these"},
    {'o', NULL, "FILE", "write the table to FILE, not to standard error"},
    {KEY_EXE, "exe", "GLOB", "only processes that run this program"},
    {KEY_NO_FOLLOW, "no-follow", NULL, "neither children nor programs that they execute"},
    {KEY_JSON, "json", NULL, "one JSON object a line"},
    {KEY_COLOR, "color", "WHEN", "auto (on a terminal), always or never"},
    {'q', NULL, NULL, "the table only"},
    {'v', NULL, NULL, "also every function that was not hooked, and why"},
    {'f', NULL, NULL, ""},
    {KEY_FORCE_TRAP, "force-trap", NULL, ""},
    {KEY_HELP, "help", NULL, "this text"},
    {'p', NULL, "PID", NULL},
    {KEY_LATER, "for", "TIME", NULL},
    {KEY_LATER + 1, "time", NULL, NULL},
    {KEY_LATER + 2, "if", "EXPR", NULL},
    {KEY_LATER + 3, "min", "TIME", NULL},
    {KEY_LATER + 4, "depth", "N", NULL},
    {KEY_LATER + 5, "tid", "TID", NULL},
    {KEY_LATER + 6, "stack", NULL, NULL},
    {KEY_LATER + 7, "pending", NULL, NULL},
    {KEY_LATER + 8, "on-full", "WHAT", NULL},
};
enum { ENTRIES = sizeof entries / sizeof entries[0] };

static const char about[] = "usage: sighook count [OPTION...] [--] COMMAND [ARG...]\n"
                            "Counts calls of functions in an unmodified program, its libraries, and all that it starts.\n";
static const char selectors[] =
    "SEL: NAME, NAME@MODULE, MODULE!NAME, /ERE/[@MODULE], NAME@plt, NAME@VERSION, MODULE+OFF, FUNC+OFF, 0xADDR, @FILE;\n"
    "NAME and MODULE are globs, and libc also means libc.so.6. Without -e: '*@PROGRAM,*@plt', the program's own\n"
    "functions and its calls of imported ones.\n"
    "Exit status: the command's own; if a signal killed it, sighook dies of that signal. 125: sighook failed,\n"
    "126: the command cannot be executed, 127: it was not found.\n";

static int take_color(struct count_run *run, const char *when)
{
  if (strcmp(when, "auto") == 0)
    run->color = COLOR_AUTO;
  else if (strcmp(when, "always") == 0)
    run->color = COLOR_ALWAYS;
  else if (strcmp(when, "never") == 0)
    run->color = COLOR_NEVER;
  else {
    fprintf(stderr, "sighook: --color is auto, always or never, not '%s'\n", when);
    return OWN_FAILURE + 1;
  }
  return 0;
}

static int take_option(void *data, int key, const char *argument)
{
  struct count_run *run = data;

  switch (key) {
  case 'e':
  case 'x':
    return selection_add(&run->selection, key == 'x', argument) ? 0 : OWN_FAILURE + 1;
  case 'o':
    run->output = argument;
    return 0;
  case 'q':
    run->quiet = true;
    return 0;
  case 'v':
    run->verbose = true;
    return 0;
  case KEY_EXE:
    run->only_program = argument;
    return 0;
  case KEY_NO_FOLLOW:
    run->no_follow = true;
    return 0;
  case KEY_FORCE_TRAP:                 /* for tests */
    run->force_trap = true;
    return 0;
  case KEY_JSON:
    run->json = true;
    return 0;
  case KEY_COLOR:
    return take_color(run, argument);
  case KEY_HELP:
    fputs(about, stdout);
    options_help(entries, ENTRIES);
    fputs(selectors, stdout);
    return 1;
  default:                             /* -f: following is the default */
    return 0;
  }
}

/* Before anything runs: a table that cannot be written is no reason to have run the command. */
static bool open_output(struct count_run *run)
{
  run->out = stderr;
  if (!run->output)
    return true;
  run->out = fopen(run->output, "we");
  if (!run->out)
    fprintf(stderr, "sighook: %s: %m; not run\n", run->output);
  return run->out != NULL;
}

int count_main(int argc, char **argv)
{
  static struct count_run run;
  int first, status = options_read(argc, argv, entries, ENTRIES, take_option, &run, &first);

  if (status)
    return status - 1;
  if (first == argc) {
    fputs("sighook: no command to run\n  try: sighook count --help\n", stderr);
    return OWN_FAILURE;
  }
  run.command = argv + first;
  if (!run.selection.chosen_count)
    selection_default(&run.selection);
  status = command_find(&run);
  if (status)
    return status;
  if (!open_output(&run))
    return OWN_FAILURE;
  return target_run(&run);
}
