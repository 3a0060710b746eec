/* A run of a program under the command, to count (`sighook count`) or to list (`sighook list`). */
#ifndef TOOL_COUNT_H
#define TOOL_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "channel.h"
#include "list.h"
#include "select.h"

enum { OWN_FAILURE = 125, NOT_EXECUTABLE = 126, COMMAND_NOT_FOUND = 127, PROGRAM_PATH = 4096 };

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct count_run {
  struct selection selection;
  const char *output, *only_program;   /* -o, --exe */
  bool quiet, verbose, json, no_follow, force_trap;
  enum color color;
  char **command;
  char program[PROGRAM_PATH];          /* the command, found */
  char agent[PROGRAM_PATH];
  FILE *out;                           /* of the table */
  struct channel *channel;
  int descriptor;                      /* of the channel */
  int child, status;
  uint64_t start_ns, end_ns;
  struct timespec start_time;
  bool has_ended;
  int detached_by;                     /* signal that ended the counting before the target's end; else 0 */
  bool judged;                         /* the selectors have met the program that they are meant for */
  bool refused;                        /* and matched nothing: not run */
  const struct list_request *list;     /* NULL: calls are counted */
  bool is_library;                     /* of `program`: loaded into a host, and never started */
  struct listing *listing;             /* NULL: not asked yet */
  size_t listed_plan;                  /* its number */
  uint64_t listed_sites;               /* how many it has room for */
  bool is_broken;                      /* the channel was found not as agents leave it */
};

int count_main(int argc, char **argv);

/* Finds the command as a shell would, and whether the agent can come into it; otherwise prints why and returns the exit status.
 * To be listed it may be a library. */
int command_find(struct count_run *run);

/* Starts it with the agent, serves all agents, and waits for its end. */
int target_run(struct count_run *run);

/* Of the clock that does not jump. */
uint64_t now_ns(void);

/* Answers an agent that asks what to count. */
void serve(struct count_run *run, struct channel_process *process);

/* The table, or with --json the objects. */
void report(struct count_run *run);
void report_json(struct count_run *run);
/* "SIGSEGV", "SIGRTMIN+3". */
const char *signal_name(int signal_number, char text[32]);

#endif
