/* `sighook list`: its options. */
#include "list.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "count.h"
#include "options.h"

enum { KEY_HELP = 256, KEY_ENTRY, KEY_INSTRUCTIONS, KEY_JSON, KEY_EXE, KEY_TOGETHER, KEY_RANDOM, KEY_LATER };

static const struct option_entry entries[] = {
    {KEY_ENTRY, "entry", NULL, "how many would get which entry, and why no better one"},
    {'p', NULL, "PID", "of a process that runs already, as it is loaded there; it is read only, and not stopped"},
    {KEY_INSTRUCTIONS, "instructions", NULL, "of every instruction of the functions, not only the first"},
    {'e', NULL, "SEL", "these functions; may be repeated; commas separate"},
    {'x', NULL, "SEL", "but not these"},
    {'o', NULL, "FILE", "write to FILE, not to standard output"},
    {KEY_EXE, "exe", "GLOB", "the first process that runs this program; those before it run"},
    {KEY_JSON, "json", NULL, "one JSON object"},
    {'q', NULL, NULL, "the table only"},
    {'v', NULL, NULL, "every site that gets a trap or is refused, not only the first 50"},
    {KEY_TOGETHER, "together", NULL, "install all in one batch and tell what it took, instead of asking one by one"},
    {KEY_RANDOM, "random", "N[,SEED]", "only N of them, by chance; the same ones for the same SEED"},
    {KEY_HELP, "help", NULL, "this text"},
    {KEY_LATER, "pending", NULL, NULL},
    {KEY_LATER + 1, "color", "WHEN", NULL},
};
enum { ENTRIES = sizeof entries / sizeof entries[0] };

static const char about[] = "usage: sighook list --entry [OPTION...] [--] FILE|COMMAND [ARG...]\n"
                            "       sighook list --entry [OPTION...] -p PID\n"
                            "Tells what would stand at functions of a program or library, as it is loaded into a process.\n"
                            "Without -p the process ends before anything of the program ran.\n";
static const char selectors[] =
    "SEL: see sighook count --help. Without -e: all functions of FILE, or of the program that PID runs.\n"
    "Exit status: 0; 1 where there is nothing to list; 2 for a wrong option.\n";

/* What the options set. */
struct options {
  struct count_run run;
  struct list_request request;
  bool entry;
};

/* "1000" or "1000,7". */
static bool take_random(struct list_request *request, const char *text)
{
  char *end;

  errno = 0;
  request->random = strtoull(text, &end, 10);
  if (*end == ',' && end[1])
    request->seed = strtoull(end + 1, &end, 10);
  if (!errno && !*end && request->random && text[0] != '-')
    return true;
  fprintf(stderr, "sighook: --random takes a number, or two as in 1000,7; not '%s'\n", text);
  return false;
}

static bool take_process(struct list_request *request, const char *text)
{
  char *end;
  long number;

  errno = 0;
  number = strtol(text, &end, 10);
  request->process = (int)number;
  if (!errno && !*end && number > 0 && number <= INT_MAX)
    return true;
  fprintf(stderr, "sighook: -p takes the number of a process, not '%s'\n", text);
  return false;
}

static int help(void)
{
  fputs(about, stdout);
  options_help(entries, ENTRIES);
  fputs(selectors, stdout);
  return 1;
}

static int take_option(void *data, int key, const char *argument)
{
  struct options *options = data;

  switch (key) {
  case 'e':
  case 'x':
    return selection_add(&options->run.selection, key == 'x', argument) ? 0 : LIST_USAGE + 1;
  case 'o':
    options->run.output = argument;
    return 0;
  case 'q':
    options->run.quiet = true;
    return 0;
  case 'v':
    options->run.verbose = true;
    return 0;
  case 'p':
    return take_process(&options->request, argument) ? 0 : LIST_USAGE + 1;
  case KEY_ENTRY:
    options->entry = true;
    return 0;
  case KEY_INSTRUCTIONS:
    options->request.by_instruction = true;
    return 0;
  case KEY_EXE:
    options->run.only_program = argument;
    return 0;
  case KEY_JSON:
    options->run.json = true;
    return 0;
  case KEY_TOGETHER:
    options->request.together = true;
    return 0;
  case KEY_RANDOM:
    return take_random(&options->request, argument) ? 0 : LIST_USAGE + 1;
  default:
    return help();
  }
}

/* Why the options do not go together; NULL: they do. */
static const char *contradiction(const struct options *options, bool has_file)
{
  bool is_running = options->request.process != 0;

  if (!is_running)
    return has_file ? NULL : "no program or library to list";
  if (has_file)
    return "-p is about a process that runs already, and no program is to be started beside it";
  if (options->run.only_program)
    return "--exe picks one of the programs that are started, and with -p none is";
  return options->request.together ? "--together installs hooks, and with -p the process stays as it is" : NULL;
}

static bool is_usable(const struct options *options, bool has_file)
{
  const char *why = contradiction(options, has_file);

  if (!options->entry)
    fprintf(stderr, "sighook: list without --entry is not there yet in version %s\n  try: sighook list --entry FILE\n",
            SIGHOOK_VERSION);
  else if (why)
    fprintf(stderr, "sighook: %s\n  try: sighook list --help\n", why);
  return options->entry && !why;
}

/* The dynamic loader takes names of libraries in a list. */
static bool can_be_loaded(const struct count_run *run)
{
  if (!run->is_library || !strpbrk(run->program, ": "))
    return true;
  fprintf(stderr, "sighook: a library's path must not have blanks or colons: %s\n", run->program);
  return false;
}

static bool open_output(struct count_run *run)
{
  run->out = run->output ? fopen(run->output, "we") : stdout;
  if (!run->out)
    fprintf(stderr, "sighook: %s: %m\n", run->output);
  return run->out != NULL;
}

int list_main(int argc, char **argv)
{
  static struct options options;
  struct count_run *run = &options.run;
  int first, status = options_read(argc, argv, entries, ENTRIES, take_option, &options, &first);

  if (status)
    return status == OWN_FAILURE + 1 ? LIST_USAGE : status - 1;
  if (!is_usable(&options, first < argc))
    return LIST_USAGE;
  run->command = argv + first;
  run->list = &options.request;
  run->no_follow = !run->only_program;
  if (!run->selection.chosen_count) {
    selection_add(&run->selection, false, "*@PROGRAM");
    run->selection.chosen[0].is_default = true;
  }
  if (run->list->process)
    return open_output(run) ? list_process(run) : LIST_NOTHING;
  if (command_find(run) != 0 || !can_be_loaded(run) || !open_output(run))
    return LIST_NOTHING;
  status = target_run(run);
  return status == OWN_FAILURE ? LIST_NOTHING : status;
}
