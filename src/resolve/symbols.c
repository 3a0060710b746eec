/* NAME, MODULE!NAME, NAME@MODULE, each with +OFFSET, and MODULE+OFFSET. The dynamic loader answers for symbols, since it
 * alone knows which target an IFUNC chose. */
#include "resolve/symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "os/modules.h"

enum { NAME_MAX_LENGTH = 1024 };

struct wanted {
  const char *name;
  char path[OS_MODULE_PATH];
  uintptr_t base;
  bool found;
};

/* "libc" means libc.so.6 as well: a file name matches whole, or up to ".so". */
static bool is_called(const char *path, const char *name)
{
  const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  size_t length = strlen(name);

  return strncmp(file, name, length) == 0 && (!file[length] || strncmp(file + length, ".so", 3) == 0);
}

static bool match_module(const struct os_module *module, void *user)
{
  struct wanted *wanted = user;

  if (!is_called(module->path, wanted->name))
    return false;
  memcpy(wanted->path, module->path, sizeof wanted->path);
  wanted->base = module->base;
  wanted->found = true;
  return true;
}

static bool find_module(const char *name, struct wanted *wanted)
{
  *wanted = (struct wanted){.name = name};
  os_modules_each(match_module, wanted);
  return wanted->found;
}

static sighook_status in_module(const char *module, const char *symbol, uintptr_t *address, struct error *error)
{
  struct wanted wanted;
  void *handle;

  if (!find_module(module, &wanted))
    return error_set(error, SIGHOOK_NOT_FOUND, 0, "no module called %s is loaded", module);
  handle = dlopen(wanted.path, RTLD_NOLOAD | RTLD_LAZY);
  *address = handle ? (uintptr_t)dlsym(handle, symbol) : 0;
  if (handle)
    dlclose(handle);
  if (!*address)
    return error_set(error, SIGHOOK_NOT_FOUND, 0, "%s exports no symbol %s", wanted.path, symbol);
  return SIGHOOK_OK;
}

static sighook_status lookup(char *name, uintptr_t *address, struct error *error)
{
  char *mark = strchr(name, '!'), *at = strchr(name, '@');
  struct wanted wanted;

  if (mark) {
    *mark = 0;
    return in_module(name, mark + 1, address, error);
  }
  if (at) {
    *at = 0;
    return in_module(at + 1, name, address, error);
  }
  *address = (uintptr_t)dlsym(RTLD_DEFAULT, name);
  if (*address)
    return SIGHOOK_OK;
  if (find_module(name, &wanted)) {
    *address = wanted.base;
    return SIGHOOK_OK;
  }
  return error_set(error, SIGHOOK_NOT_FOUND, 0, "no loaded module exports %s", name);
}

sighook_status symbols_resolve(const char *name, uintptr_t *address, struct error *error)
{
  char copy[NAME_MAX_LENGTH], *plus, *end;
  unsigned long offset = 0;
  sighook_status status;

  if (!*name || strlen(name) >= sizeof copy)
    return error_set(error, SIGHOOK_BAD_ARGUMENT, 0, "the name is %s", *name ? "too long" : "empty");
  if (strchr(name, ':'))
    return error_set(error, SIGHOOK_UNSUPPORTED, 0, "%s: names by file and line are not supported yet", name);
  strcpy(copy, name);
  plus = strrchr(copy, '+');
  if (plus) {
    errno = 0;
    offset = strtoul(plus + 1, &end, 0);
    if (errno || end == plus + 1 || *end)
      return error_set(error, SIGHOOK_BAD_ARGUMENT, 0, "%s: the offset is no number", name);
    *plus = 0;
  }
  status = lookup(copy, address, error);
  if (!status)
    *address += offset;
  return status;
}
