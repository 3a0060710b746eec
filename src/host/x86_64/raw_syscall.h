/* One raw system call: no libc, no errno, so that it may run while libc itself is being patched. */
#ifndef HOST_RAW_SYSCALL_H
#define HOST_RAW_SYSCALL_H

#include <stdint.h>
#include <sys/syscall.h>

/* The kernel's answer: negative errno on failure. */
static inline long host_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;

  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#define host_syscall0(number) host_syscall6(number, 0, 0, 0, 0, 0, 0)
#define host_syscall1(number, a) host_syscall6(number, (long)(a), 0, 0, 0, 0, 0)
#define host_syscall2(number, a, b) host_syscall6(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define host_syscall3(number, a, b, c) host_syscall6(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define host_syscall4(number, a, b, c, d) host_syscall6(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

#endif
