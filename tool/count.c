/* The options of `sighook count`. */
#include "count.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: sighook count [OPTION...] [--] COMMAND [ARG...]\n"
    "Counts the calls of functions of an unmodified program, of its libraries, and of all that it starts.\n"
    "  -e SEL        count these: NAME, NAME@MODULE, MODULE!NAME, /ERE/[@MODULE], NAME@plt, MODULE+OFF, 0xADDR, @FILE;\n"
    "                NAME and MODULE are globs; repeatable, commas separate; default: '*@PROGRAM,*@plt'\n"
    "  -x SEL        but not these\n"
    "  -o FILE       write the table there instead of to standard error\n"
    "  --exe GLOB    only processes that run this program\n"
    "  --no-follow   not the programs that it executes\n"
    "  --json        one JSON object a line\n"
    "  -q            no last line, no notes\n"
    "  -v            every function that was not hooked, and why\n"
    "Exit status: the command's own; if a signal killed it, sighook dies of that signal; 125 sighook failed, 126 the command\n"
    "cannot be executed, 127 it was not found.\n";

enum { OPTION_HELP = 256, OPTION_EXE, OPTION_NO_FOLLOW, OPTION_JSON };

static const struct option options[] = {{"help", no_argument, NULL, OPTION_HELP},
                                        {"exe", required_argument, NULL, OPTION_EXE},
                                        {"no-follow", no_argument, NULL, OPTION_NO_FOLLOW},
                                        {"json", no_argument, NULL, OPTION_JSON},
                                        {0}};

/* 0: go on; else the exit status plus one. */
static int take_option(struct count_run *run, int option)
{
  switch (option) {
  case 'e':
    return selection_add(&run->selection, false, optarg) ? 0 : OWN_FAILURE + 1;
  case 'x':
    return selection_add(&run->selection, true, optarg) ? 0 : OWN_FAILURE + 1;
  case 'o':
    run->output = optarg;
    return 0;
  case 'q':
    run->quiet = true;
    return 0;
  case 'v':
    run->verbose = true;
    return 0;
  case 'f':
    return 0;                          /* following is the default */
  case 'p':
    fprintf(stderr, "sighook: attaching to a process that runs is not there yet in version %s\n", SIGHOOK_VERSION);
    return OWN_FAILURE + 1;
  case OPTION_EXE:
    run->only_program = optarg;
    return 0;
  case OPTION_NO_FOLLOW:
    run->no_follow = true;
    return 0;
  case OPTION_JSON:
    run->json = true;
    return 0;
  case OPTION_HELP:
    fputs(help, stdout);
    return 1;
  default:
    fputs("  try: sighook count --help\n", stderr);
    return OWN_FAILURE + 1;
  }
}

int count_main(int argc, char **argv)
{
  static struct count_run run;
  int option, status;

  argv[0] = "sighook";                 /* for getopt's messages */
  while ((option = getopt_long(argc, argv, "+e:x:o:p:qvf", options, NULL)) != -1) {
    status = take_option(&run, option);
    if (status)
      return status - 1;
  }
  if (optind == argc) {
    fputs("sighook: no command to run\n  try: sighook count --help\n", stderr);
    return OWN_FAILURE;
  }
  run.command = argv + optind;
  if (!run.selection.chosen_count)
    selection_default(&run.selection);
  status = target_find(&run);
  return status ? status : target_run(&run);
}
