/* In the tests' own build of the system layer this stands in for the library's header of the same name: every system call
 * goes by the test, which may refuse it. */
#ifndef TESTS_FAULT_RAW_SYSCALL_H
#define TESTS_FAULT_RAW_SYSCALL_H

#define host_syscall6 host_syscall6_really
#include_next <raw_syscall.h>
#undef host_syscall6
#define host_syscall6 injected_syscall

long injected_syscall(long number, long a, long b, long c, long d, long e, long f);

#endif
