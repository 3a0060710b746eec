/* Hooks on execve, execveat and fexecve: each puts the agent into the environment of the program to be executed, if that can
 * take it. libc calls execve itself, from system() and the like; the other two it leaves to programs, so that where no branch
 * fits at those, functions of the agent with these names stand in for them. All this runs in children of vfork and
 * posix_spawn too, on small stacks, with every signal blocked: raw system calls, no lock, general registers only.
 *
 * The new environment must outlive the handler. Memory for it belongs to a thread and is used again by that thread's next
 * call: a vfork child has its parent's thread pointer, and its parent sleeps until the child is another program. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sighook/sighook.h>
#include "agent.h"
#include "arch.h"
#include "environment.h"
#include "os/memory.h"
#include "raw_syscall.h"
#include "signals.h"

enum { HEAD = 1024, INTERPRETER = 64, BUFFERS = 64 };

struct buffer {
  _Atomic(uintptr_t) owner;            /* thread pointer */
  void *memory;
  size_t size;
};

static struct buffer buffers[BUFFERS];

static struct buffer *own_buffer(void)
{
  uintptr_t thread = (uintptr_t)__builtin_thread_pointer();

  for (unsigned i = 0; i < BUFFERS; i++) {
    uintptr_t owner = 0;

    if (atomic_compare_exchange_strong_explicit(&buffers[i].owner, &owner, thread, memory_order_relaxed,
                                                memory_order_relaxed) ||
        owner == thread)
      return &buffers[i];
  }
  return NULL;
}

/* NULL where memory is refused. With more threads than buffers the surplus ones' memory is not used again. */
static void *own_memory(size_t size)
{
  struct buffer *buffer = own_buffer();
  size_t rounded = page_up(size, os_page_size());

  if (!buffer)
    return os_allocate(rounded);
  if (buffer->size < size) {
    if (buffer->memory)
      os_free(buffer->memory, buffer->size);
    buffer->memory = os_allocate(rounded);
    buffer->size = buffer->memory ? rounded : 0;
  }
  return buffer->memory;
}

/* The last part of the dynamic loader's name begins so with the C library that the agent is linked to. */
static bool is_our_loader(const char *path, size_t size)
{
  static const char name[] = "ld-linux";
  size_t last = 0, i = 0;

  for (size_t at = 0; at < size && path[at]; at++)
    if (path[at] == '/')
      last = at + 1;
  while (i < sizeof name - 1 && last + i < size && path[last + i] == name[i])
    i++;
  return i == sizeof name - 1;
}

/* Why a program with such an ELF head takes no agent; NULL where it does. */
static const char *why_not_elf(long descriptor, const unsigned char *head, long length)
{
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)head;
  const Elf64_Phdr *segments = (const Elf64_Phdr *)(head + header->e_phoff);
  char interpreter[INTERPRETER];

  if (length < (long)sizeof *header || !arch_runs(header))
    return "another machine";
  if (header->e_phoff > HEAD || header->e_phoff + header->e_phnum * sizeof *segments > (size_t)length)
    return "unusual file";
  for (unsigned i = 0; i < header->e_phnum; i++) {
    if (segments[i].p_type != PT_INTERP)
      continue;
    length = host_syscall4(SYS_pread64, descriptor, interpreter, sizeof interpreter, segments[i].p_offset);
    return length > 0 && is_our_loader(interpreter, (size_t)length) ? NULL : "another C library";
  }
  return "static";
}

static bool has_capabilities(long descriptor)
{
  return host_syscall4(SYS_fgetxattr, descriptor, "security.capability", 0, 0) > 0;
}

static const char *why_not(long descriptor)
{
  _Alignas(8) unsigned char head[HEAD];
  struct stat status;
  long length = host_syscall4(SYS_pread64, descriptor, head, sizeof head, 0);

  if (length >= 4 && head[0] == ELFMAG0 && head[1] == 'E') {
    if (host_syscall2(SYS_fstat, descriptor, &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID)))
      return "setuid";
    return has_capabilities(descriptor) ? "file capabilities" : why_not_elf(descriptor, head, length);
  }
  return NULL;                         /* a script, whose interpreter is nearly always a dynamic program; or no program */
}

static void note(const char *path, const char *why)
{
  uint32_t index = atomic_fetch_add_explicit(&channel->note_count, 1, memory_order_relaxed);
  char *text = index < CHANNEL_NOTES ? channel->notes[index] : NULL;
  size_t at = 0;

  if (!text)
    return;
  for (const char *parts[] = {path, " (", why, ")"}, **part = parts; part < parts + 4; part++)
    for (const char *from = *part; *from && at < CHANNEL_PATH - 1 - (part == parts ? 32 : 0);)
      text[at++] = *from++;
}

/* Neither lies where the program will run if it has changed its root, or its right to look at the command. The variables would
 * then do harm: the loader complains about the former. */
static bool out_of_reach(void)
{
  return host_syscall4(SYS_faccessat, AT_FDCWD, channel->agent, R_OK, 0) != 0 ||
         host_syscall4(SYS_faccessat, AT_FDCWD, channel->path, R_OK, 0) != 0;
}

/* Whether the program can be followed. What cannot be opened fails in the kernel's own words, or runs unread. */
static bool can_follow(long descriptor, const char *path)
{
  const char *reason = descriptor >= 0 ? why_not(descriptor) : NULL;

  if (!reason && out_of_reach())
    reason = "the agent is out of its reach";
  if (reason)
    note(path, reason);
  return !reason;
}

static bool can_follow_path(int directory, const char *path)
{
  long descriptor = host_syscall4(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  bool can;

  if (descriptor == -ENOENT || descriptor == -ENOTDIR)
    return false;                      /* it will not run */
  can = can_follow(descriptor, path);
  if (descriptor >= 0)
    host_syscall1(SYS_close, descriptor);
  return can;
}

/* The environment itself where memory is refused. */
static char *const *with_agent(char *const *environment)
{
  void *memory = own_memory(environment_size(channel, environment));

  return memory ? environment_with_agent(channel, environment, memory) : environment;
}

/* Tries it with signals as the program wants them for the one to come. Where that fails, it fails alike without. */
static void try_as_asked(long number, long a, long b, long c, long d, long e)
{
  uint64_t ignored;

  if (!guard_before_execute(&ignored))
    return;
  host_syscall6(number, a, b, c, d, e, 0);
  guard_after_execute(ignored);
}

static void add_agent(sighook_context *context, unsigned argument)
{
  sighook_set_arg(context, argument, (uint64_t)(uintptr_t)with_agent((char *const *)sighook_arg(context, argument)));
}

static long argument(const sighook_context *context, unsigned index)
{
  return (long)sighook_arg(context, index);
}

static void on_execve(sighook_context *context, void *unused)
{
  (void)unused;
  if (channel->follow && can_follow_path(AT_FDCWD, (const char *)sighook_arg(context, 0)))
    add_agent(context, 2);
  try_as_asked(SYS_execve, argument(context, 0), argument(context, 1), argument(context, 2), 0, 0);
}

static const char by_descriptor[] = "a program given by descriptor";

static void on_execveat(sighook_context *context, void *unused)
{
  int directory = (int)sighook_arg(context, 0);
  const char *path = (const char *)sighook_arg(context, 1);

  (void)unused;
  if (channel->follow && (*path ? can_follow_path(directory, path) : can_follow(directory, by_descriptor)))
    add_agent(context, 3);
  try_as_asked(SYS_execveat, directory, (long)path, argument(context, 2), argument(context, 3), argument(context, 4));
}

static void on_fexecve(sighook_context *context, void *unused)
{
  int descriptor = (int)sighook_arg(context, 0);

  (void)unused;
  if (channel->follow && can_follow(descriptor, by_descriptor))
    add_agent(context, 2);
  try_as_asked(SYS_execveat, descriptor, (long)"", argument(context, 1), argument(context, 2), AT_EMPTY_PATH);
}

/* ---- where no branch fits ---- */

static bool stands_in_for_execveat, stands_in_for_fexecve;

__attribute__((visibility("default"))) int execveat(int directory, const char *path, char *const arguments[],
                                                    char *const environment[], int flags)
{
  int (*next)(int, const char *, char *const[], char *const[], int) =
      (int (*)(int, const char *, char *const[], char *const[], int))dlsym(RTLD_NEXT, "execveat");

  if (stands_in_for_execveat && (*path ? can_follow_path(directory, path) : can_follow(directory, by_descriptor)))
    environment = (char *const *)with_agent(environment);
  return next(directory, path, arguments, environment, flags);
}

__attribute__((visibility("default"))) int fexecve(int descriptor, char *const arguments[], char *const environment[])
{
  int (*next)(int, char *const[], char *const[]) = (int (*)(int, char *const[], char *const[]))dlsym(RTLD_NEXT, "fexecve");

  if (stands_in_for_fexecve && can_follow(descriptor, by_descriptor))
    environment = (char *const *)with_agent(environment);
  return next(descriptor, arguments, environment);
}

/* ---- start ---- */

static bool hook(const char *name, sighook_handler handler, bool traps)
{
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = SIGHOOK_INTEGER_ONLY | SIGHOOK_ALLOW_RECURSION | (traps ? 0 : SIGHOOK_REQUIRE_BRANCH),
                       .address = (uintptr_t)dlsym(RTLD_NEXT, name),
                       .handler = handler};
  sighook_hook handle;

  return spec.address && sighook_install(&spec, &handle) == SIGHOOK_OK;
}

void execute_follow(bool traps)
{
  if (!hook("execve", on_execve, traps) && channel->follow)
    note("programs that are executed", "no branch fits at execve");
  stands_in_for_execveat = !hook("execveat", on_execveat, traps) && channel->follow;
  stands_in_for_fexecve = !hook("fexecve", on_fexecve, traps) && channel->follow;
}
