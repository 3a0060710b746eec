/* Runs the worker with places hooked, and compares what it prints with what it printed unhooked. */
#ifndef TESTS_HOSTS_DRIVER_H
#define TESTS_HOSTS_DRIVER_H

#include <stdbool.h>
#include "orders.h"

extern struct orders *orders;
extern struct library libraries[LIBRARIES];

/* The unhooked run; false where it does not do the same twice. */
bool driver_start(void);

enum verdict { WORKED, DEAF, WRONG };

/* Runs what the orders say. DEAF: a thread that no trap may come to met one. What is WRONG is printed, of one place. */
enum verdict driver_run(void);

/* Where a place is, for messages. */
const char *driver_name(const struct place *place);

#endif
