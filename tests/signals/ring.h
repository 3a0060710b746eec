/* An io_uring with a worker thread of the kernel's in this process, by system calls and numbers of linux/io_uring.h,
 * which not every C library brings. */
#ifndef TESTS_SIGNALS_RING_H
#define TESTS_SIGNALS_RING_H

#include <stdbool.h>

bool ring_is_possible(void);

/* Leaves a read of an empty pipe to a worker; its thread id, or 0. The ring stays open. */
int ring_start_worker(void);

/* Whether that thread is there, and blocks the signal by what its status file says. */
bool ring_worker_blocks(int worker, int signal_number);

#endif
