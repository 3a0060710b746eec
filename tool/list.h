/* `sighook list --entry`: which entry each function, or each instruction, would get. */
#ifndef TOOL_LIST_H
#define TOOL_LIST_H

#include <stdbool.h>
#include <stdint.h>

enum { LIST_NOTHING = 1, LIST_USAGE = 2 };       /* exit statuses */

struct list_request {
  bool by_instruction, together;
  uint64_t random, seed;               /* so many sites by chance; 0: all */
  int process;                         /* that runs already; 0: one is started */
};

struct count_run;

int list_main(int argc, char **argv);

/* The same of a process that runs already. */
int list_process(struct count_run *run);

/* Prints what the agent answered, and returns the exit status. */
int list_report(struct count_run *run);

#endif
