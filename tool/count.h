/* `sighook count`: how often functions are called. */
#ifndef TOOL_COUNT_H
#define TOOL_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include "channel.h"
#include "select.h"

enum { OWN_FAILURE = 125, NOT_EXECUTABLE = 126, COMMAND_NOT_FOUND = 127 };

struct count_run {
  struct selection selection;
  const char *output, *only_program;   /* -o, --exe */
  bool quiet, verbose, json, no_follow;
  char **command;
  char program[4096];                  /* the command, found */
  struct channel *channel;
  int descriptor;
  int child, status;
  uint64_t start_ns, end_ns;
  bool refused;                        /* nothing matched: not run */
};

int count_main(int argc, char **argv);

/* Finds the command as a shell would, and whether it can be traced; otherwise prints why and returns the exit status. */
int target_find(struct count_run *run);
/* Starts it with the agent, serves all agents, and waits for its end. */
int target_run(struct count_run *run);

/* Answers an agent that asks what to count. */
void serve(struct count_run *run, struct channel_process *process);

void report(const struct count_run *run);

#endif
