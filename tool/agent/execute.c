/* Hooks on execve, execveat and fexecve: each puts the agent into the environment of the program to be executed, if that can
 * take it. Handlers run in children of vfork and posix_spawn too: raw system calls, no libc, no lock. */
#include "execute.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sighook/sighook.h>
#include "environment.h"
#include "raw_syscall.h"

static struct channel *shared;

enum { HEAD = 2048 };

/* Whether an ELF head names a dynamic loader; without one a program takes no agent. */
static bool is_dynamic(const unsigned char *head, long length)
{
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)head;
  const Elf64_Phdr *segments = (const Elf64_Phdr *)(head + header->e_phoff);

  if (length < (long)sizeof *header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64 ||
      header->e_phoff > HEAD || header->e_phoff + header->e_phnum * sizeof *segments > (size_t)length)
    return false;
  for (unsigned i = 0; i < header->e_phnum; i++)
    if (segments[i].p_type == PT_INTERP)
      return true;
  return false;
}

static void note(const char *path, const char *why)
{
  uint32_t index = atomic_fetch_add_explicit(&shared->note_count, 1, memory_order_relaxed);
  char *text = index < CHANNEL_NOTES ? shared->notes[index] : NULL;
  size_t at = 0;

  if (!text)
    return;
  while (*path && at < CHANNEL_PATH - 32)
    text[at++] = *path++;
  while (*why && at < CHANNEL_PATH - 1)
    text[at++] = *why++;
}

static const char *why_not(int descriptor)
{
  unsigned char head[HEAD];
  struct stat status;
  long length = host_syscall4(SYS_pread64, descriptor, head, sizeof head, 0);

  if (host_syscall2(SYS_fstat, descriptor, &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID)))
    return " (setuid)";
  if (length >= 2 && head[0] == '#' && head[1] == '!')
    return NULL;                       /* its interpreter is nearly always a dynamic program */
  return length >= 4 && head[0] == 0x7F && !is_dynamic(head, length) ? " (static)" : NULL;
}

/* Whether the program can be followed; `path` relative to `directory`. What cannot be opened fails in the kernel's words. */
static bool can_follow(int directory, const char *path)
{
  long descriptor = host_syscall4(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC, 0);
  const char *reason;

  if (descriptor < 0)
    return true;
  reason = why_not((int)descriptor);
  host_syscall1(SYS_close, descriptor);
  if (reason)
    note(path, reason);
  return !reason;
}

static void add_agent(sighook_context *context, unsigned argument)
{
  char **with = environment_with_agent(shared, (char **)sighook_arg(context, argument));

  if (with)
    sighook_set_arg(context, argument, (uint64_t)(uintptr_t)with);
}

static void on_execve(sighook_context *context, void *unused)
{
  (void)unused;
  if (can_follow(AT_FDCWD, (const char *)sighook_arg(context, 0)))
    add_agent(context, 2);
}

static void on_execveat(sighook_context *context, void *unused)
{
  const char *path = (const char *)sighook_arg(context, 1);

  (void)unused;
  if (!*path || can_follow((int)sighook_arg(context, 0), path))
    add_agent(context, 3);
}

static void on_fexecve(sighook_context *context, void *unused)
{
  const char *reason = why_not((int)sighook_arg(context, 0));

  (void)unused;
  if (reason)
    note("a program executed by descriptor", reason);
  else
    add_agent(context, 2);
}

void execute_follow(struct channel *channel)
{
  static const struct {
    const char *name;
    sighook_handler handler;
  } ways[] = {{"execve", on_execve}, {"execveat", on_execveat}, {"fexecve", on_fexecve}};

  shared = channel;
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    sighook_spec spec = {.size = sizeof spec,
                         .kind = SIGHOOK_PROBE,
                         .flags = SIGHOOK_REQUIRE_BRANCH | SIGHOOK_ALLOW_RECURSION,
                         .address = (uintptr_t)dlsym(RTLD_NEXT, ways[i].name),
                         .handler = ways[i].handler};
    sighook_hook hook;

    if (spec.address)
      sighook_install(&spec, &hook);
  }
}
