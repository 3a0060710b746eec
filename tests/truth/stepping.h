/* What a single-stepped run comes to. */
#ifndef TESTS_TRUTH_STEPPING_H
#define TESTS_TRUTH_STEPPING_H

#include <stdint.h>

/* Runs `job` in a child, unhooked and one instruction at a time, and calls `arrived` in this process with the address of each
 * instruction that it comes to, from the job's first on; addresses are the same in both. The answer is the job's. */
unsigned long step_through(unsigned long (*job)(void), void (*arrived)(uintptr_t address));

/* Runs it at that place of a page of the stack where step_through does, so that it takes the same ways: functions of strings look
 * how far the end of the page is. */
unsigned long run_in_place(unsigned long (*job)(void));

#endif
