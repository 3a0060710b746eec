/* One raw system call: no libc, no errno, so that it may run while libc itself is being patched. */
#ifndef HOST_RAW_SYSCALL_H
#define HOST_RAW_SYSCALL_H

#include <stdint.h>
#include <sys/syscall.h>

/* The kernel's answer: negative errno on failure. */
static inline long host_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;

  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
}

#define host_syscall0(number) host_syscall6(number, 0, 0, 0, 0, 0, 0)
#define host_syscall1(number, a) host_syscall6(number, (long)(a), 0, 0, 0, 0, 0)
#define host_syscall2(number, a, b) host_syscall6(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define host_syscall3(number, a, b, c) host_syscall6(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define host_syscall4(number, a, b, c, d) host_syscall6(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

#endif
