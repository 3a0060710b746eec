/* Every system call of the library, by tests/fault/inject/raw_syscall.h, and its one call of libc's that can fail. */
#include "inject.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "raw_syscall.h"

enum { REASONS = 3, SIGACTION = -1 };

/* Those that the kernel may refuse, and why. */
static const struct refusable {
  long number;
  const char *name;
  int reasons[REASONS];
} refusable[] = {
    {SYS_mmap, "mmap", {ENOMEM, EPERM, EAGAIN}},
    {SYS_mprotect, "mprotect", {ENOMEM, EACCES, EPERM}},
    {SYS_munmap, "munmap", {ENOMEM, ENOMEM, EPERM}},
    {SYS_madvise, "madvise", {EINVAL, ENOMEM, EAGAIN}},
    {SYS_openat, "openat", {EMFILE, EACCES, EPERM}},
    {SYS_read, "read", {EIO, ENOMEM, EPERM}},
    {SYS_pread64, "pread", {ENOMEM, EPERM, EACCES}},
    {SYS_pwrite64, "pwrite", {EIO, ENOMEM, EPERM}},
    {SYS_lseek, "lseek", {EIO, EPERM, EPERM}},
    {SYS_fstat, "fstat", {ENOMEM, EPERM, EACCES}},
    {SYS_ioctl, "ioctl", {ENOTTY, EPERM, ENOMEM}},
    {SYS_process_vm_readv, "process_vm_readv", {EPERM, ENOSYS, ENOMEM}},
    {SYS_membarrier, "membarrier", {ENOMEM, EPERM, ENOSYS}},
    {SYS_close, "close", {EIO, EIO, EINTR}},
    {SIGACTION, "sigaction", {EINVAL, EPERM, EPERM}},
};

static atomic_bool running, happened;
static atomic_uint count;
static unsigned wanted, chosen;
static bool to_the_end;
static const struct refusable *refused;

void inject_start(unsigned at, bool onwards, unsigned variant)
{
  wanted = at;
  to_the_end = onwards;
  chosen = variant % REASONS;
  refused = NULL;
  atomic_store(&happened, false);
  atomic_store(&count, 0);
  atomic_store(&running, true);
}

void inject_pause(bool pause)
{
  atomic_store(&running, !pause);
}

bool inject_happened(void)
{
  return atomic_load(&happened);
}

const char *inject_call(void)
{
  return refused->name;
}

int inject_reason(void)
{
  return refused->reasons[chosen];
}

unsigned inject_count(void)
{
  return atomic_load(&count);
}

/* A kernel may be short of memory to take rights away, but does not go on refusing it. */
static bool takes_rights(long number, long protection)
{
  return number == SYS_mprotect && !(protection & PROT_WRITE);
}

/* 0, or the reason for which this call fails. */
static int reason_for(long number, long third)
{
  const struct refusable *call = NULL;

  for (unsigned i = 0; i < sizeof refusable / sizeof *refusable; i++)
    if (refusable[i].number == number)
      call = &refusable[i];
  if (!call || !atomic_load(&running))
    return 0;
  if (atomic_fetch_add(&count, 1) + 1 != wanted && !(to_the_end && refused == call && !takes_rights(number, third)))
    return 0;
  refused = call;
  atomic_store(&happened, true);
  return call->reasons[chosen];
}

long injected_syscall(long number, long a, long b, long c, long d, long e, long f)
{
  int reason = reason_for(number, c);

  if (reason && number == SYS_close)          /* the descriptor goes whatever close answers */
    host_syscall6_really(number, a, b, c, d, e, f);
  return reason ? -reason : host_syscall6_really(number, a, b, c, d, e, f);
}

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old);

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
  int reason = reason_for(SIGACTION, 0);

  if (!reason)
    return __real_sigaction(number, action, old);
  errno = reason;
  return -1;
}
