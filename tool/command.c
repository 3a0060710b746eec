/* Finding the command as a shell would, and telling beforehand why the agent would not come into it. */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "arch.h"
#include "count.h"
#include "library.h"

enum { HEAD = 4096, SCRIPTS_MAX = 4 };

/* As execvp(3): the first that can be executed; one that cannot is remembered. */
static int find_in_path(struct count_run *run)
{
  const char *name = run->command[0], *path = getenv("PATH"), *next;
  char candidate[PROGRAM_PATH];
  struct stat status;
  int result = COMMAND_NOT_FOUND;

  if (strchr(name, '/')) {
    snprintf(run->program, sizeof run->program, "%s", name);
    return stat(run->program, &status) == 0 ? 0 : COMMAND_NOT_FOUND;
  }
  for (const char *at = path ? path : "/bin:/usr/bin"; at && *name; at = next) {
    int length = (int)strcspn(at, ":");

    next = at[length] ? at + length + 1 : NULL;
    snprintf(candidate, sizeof candidate, "%.*s%s%s", length, at, length ? "/" : "./", name);
    if (stat(candidate, &status) != 0 || !S_ISREG(status.st_mode))
      continue;
    if (result == COMMAND_NOT_FOUND || access(candidate, X_OK) == 0)
      strcpy(run->program, candidate);
    if (access(candidate, X_OK) == 0)
      return 0;
    result = NOT_EXECUTABLE;
  }
  return result;
}

static bool has_our_loader(int descriptor, const Elf64_Phdr *interpreter)
{
  char path[256];
  ssize_t length = pread(descriptor, path, sizeof path - 1, (off_t)interpreter->p_offset);

  path[length > 0 ? length : 0] = 0;
  return strstr(path, "/ld-linux") != NULL;
}

/* NULL: the agent can come. */
static const char *elf_complaint(int descriptor, const unsigned char *head, ssize_t length, bool is_library)
{
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)head;

  if (length < (ssize_t)sizeof *header || !arch_runs(header))
    return arch.foreign;
  if (is_library)
    return NULL;
  for (unsigned i = 0; i < header->e_phnum; i++) {
    size_t at = header->e_phoff + i * sizeof(Elf64_Phdr);
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(head + at);

    if (at + sizeof *segment <= (size_t)length && segment->p_type == PT_INTERP)
      return has_our_loader(descriptor, segment) ? NULL : "uses another C library than glibc";
  }
  return "is static: no loader to bring the agent in";
}

static const char *privilege(int descriptor, const struct stat *status)
{
  if (status->st_mode & S_ISUID)
    return "is setuid: privileged programs are refused";
  if ((status->st_mode & S_ISGID) && (status->st_mode & S_IXGRP))
    return "is setgid: privileged programs are refused";
  if (fgetxattr(descriptor, "security.capability", NULL, 0) > 0)
    return "has file capabilities: privileged programs are refused";
  return NULL;
}

/* "#!/usr/bin/env python3" leads to /usr/bin/env. */
static bool interpreter_of(const unsigned char *head, ssize_t length, char path[PROGRAM_PATH])
{
  size_t at = 2, size = 0;

  if (length < 3 || head[0] != '#' || head[1] != '!')
    return false;
  while (at < (size_t)length && (head[at] == ' ' || head[at] == '\t'))
    at++;
  while (at < (size_t)length && size < PROGRAM_PATH - 1 && !strchr(" \t\n", head[at]))
    path[size++] = (char)head[at++];
  path[size] = 0;
  return size > 0;
}

/* Of the program, or of the one that interprets it, whose path is left in `path`. */
static const char *complaint_about(char path[PROGRAM_PATH], bool is_library)
{
  _Alignas(8) unsigned char head[HEAD];

  for (unsigned depth = 0; depth < SCRIPTS_MAX; depth++) {
    const char *complaint = NULL;
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = descriptor < 0 ? 0 : read(descriptor, head, sizeof head);
    bool is_elf = length > SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;

    if (is_elf && fstat(descriptor, &status) == 0) {
      complaint = privilege(descriptor, &status);
      complaint = complaint ? complaint : elf_complaint(descriptor, head, length, is_library);
    }
    if (descriptor >= 0)
      close(descriptor);
    if (is_elf || !interpreter_of(head, length, path))
      return complaint;
  }
  return NULL;
}

int command_find(struct count_run *run)
{
  char path[PROGRAM_PATH];
  const char *complaint;
  struct stat status;
  int failure = find_in_path(run);

  if (failure == COMMAND_NOT_FOUND) {
    fprintf(stderr, "sighook: %s: not found\n", run->command[0]);
    return failure;
  }
  run->is_library = run->list && library_is(run->program);
  if (failure || stat(run->program, &status) != 0 || !S_ISREG(status.st_mode) ||
      access(run->program, run->is_library ? R_OK : X_OK) != 0) {
    fprintf(stderr, "sighook: %s cannot be executed\n", run->program);
    return NOT_EXECUTABLE;
  }
  strcpy(path, run->program);
  complaint = complaint_about(path, run->is_library);
  if (!complaint)
    return 0;
  fprintf(stderr, "sighook: %s %s; not run\n", path, complaint);
  if (strstr(complaint, "static"))
    fputs("  try: link it with libsighook.a (man sighook, STATIC PROGRAMS)\n", stderr);
  return OWN_FAILURE;
}
