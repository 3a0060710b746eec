/* Names to addresses. Modules are asked in load order, which is the order of global lookup for all that was loaded at
 * start. Undefined symbols are never answered: the dynamic loader would give the program's own PLT entry for some.
 * Which target an IFUNC chose only the dynamic loader knows. */
#include "resolve/symbols.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "os/modules.h"
#include "resolve/exports.h"
#include "resolve/near.h"

enum {
  NAME_MAX_LENGTH = 1024
};

struct search {
  const char *module;           /* NULL: any */
  const char *symbol;           /* NULL: the module itself is looked for */
  char program[OS_MODULE_PATH]; /* the program's own path, which the loader does not tell */
  bool module_found, found;
  bool exports_seen;         /* some module has names */
  char path[OS_MODULE_PATH]; /* of the module found last */
  uintptr_t base, high;
  struct export export;
  struct near *near; /* where not NULL, names are offered to it and nothing is found */
};

/* Whether what follows the name in a file name is a version: "libc" for libc.so.6 and libc-2.31.so. */
static bool is_version(const char *rest)
{
  return !*rest || strncmp(rest, ".so", 3) == 0 || (rest[0] == '-' && rest[1] >= '0' && rest[1] <= '9');
}

static bool is_called(const char *path, const char *name)
{
  const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
  size_t length = strlen(name);

  if (strchr(name, '/'))
    return strcmp(path, name) == 0;
  if (!length || strncmp(file, name, length) != 0)
    return false;
  return is_version(file + length) || (file[length] == '.' && strstr(name, ".so"));
}

static void look_up(struct search *search, const struct exports *exports)
{
  struct export export;

  if (!search->near) {
    search->found = exports_find(exports, search->symbol, &search->export);
    return;
  }
  for (size_t i = 1; i < exports->count; i++)
    if (exports_at(exports, i, &export) && (export.kind == EXPORT_FUNCTION || export.kind == EXPORT_CHOICE))
      near_offer(search->near, export.name);
}

static bool visit_module(const struct os_module *module, void *user)
{
  struct search *search = user;
  const char *path = module->path[0] ? module->path : search->program;
  struct exports exports;

  if (module->is_kernel && !search->module)
    return false;
  if (search->module && !is_called(path, search->module))
    return false;
  search->module_found = true;
  memcpy(search->path, module->path, sizeof search->path);
  search->base = module->base;
  search->high = module->high;
  if (!search->symbol)
    return true;
  if (exports_open(module, &exports)) {
    search->exports_seen = true;
    look_up(search, &exports);
  }
  return search->found;
}

static void run_search(struct search *search, const char *module, const char *symbol)
{
  os_program_path(search->program, sizeof search->program);
  search->module = module;
  search->symbol = symbol;
  search->module_found = search->found = search->exports_seen = false;
  search->near = NULL;
  os_modules_each(visit_module, search);
}

static sighook_status not_found(struct search *search, struct error *error)
{
  struct near near;
  char text[160];

  if (search->module && !search->module_found)
    return error_set(error, SIGHOOK_NOT_FOUND, 0, "no module called %s is loaded", search->module);
  if (!search->exports_seen)
    return error_set(error, SIGHOOK_NOT_FOUND, 0, "%s: there are no names to look it up in, as in a static program",
                     search->symbol);
  near_start(&near, search->symbol);
  search->near = &near;
  os_modules_each(visit_module, search);
  near_print(&near, text, sizeof text);
  if (search->module)
    return error_set(error, SIGHOOK_NOT_FOUND, 0, "%s exports no symbol %s%s", search->module, search->symbol, text);
  return error_set(error, SIGHOOK_NOT_FOUND, 0, "no loaded module exports %s%s", search->symbol, text);
}

/* The function that an IFUNC stands for. */
static sighook_status ask_loader(const struct search *search, uintptr_t *address, struct error *error)
{
  void *handle = dlopen(search->path[0] ? search->path : NULL, RTLD_NOLOAD | RTLD_LAZY);

  *address = handle ? (uintptr_t)dlsym(handle, search->symbol) : 0;
  if (handle)
    dlclose(handle);
  if (!*address)
    return error_set(error, SIGHOOK_NOT_FOUND, search->export.address,
                     "%s is chosen at run time, and the dynamic loader does not tell the choice", search->symbol);
  return SIGHOOK_OK;
}

static sighook_status find_symbol(const char *module, const char *symbol, uintptr_t *address, struct error *error)
{
  struct search search;

  run_search(&search, module, symbol);
  if (!search.found)
    return not_found(&search, error);
  if (search.export.kind == EXPORT_CHOICE)
    return ask_loader(&search, address, error);
  *address = search.export.address;
  return SIGHOOK_OK;
}

/* NAME@MODULE or NAME@VERSION, the version of a symbol. */
static sighook_status find_at(const char *symbol, const char *where, uintptr_t *address, struct error *error)
{
  struct search search;

  while (*where == '@') /* NAME@@VERSION, as binutils prints the default one */
    where++;
  run_search(&search, where, NULL);
  if (search.module_found)
    return find_symbol(where, symbol, address, error);
  *address = (uintptr_t)os_versioned_symbol(symbol, where);
  if (*address)
    return SIGHOOK_OK;
  return error_set(error, SIGHOOK_NOT_FOUND, 0, "%s: no module and no version of the symbol is called %s", symbol,
                   where);
}

static sighook_status find_offset(const char *module, uintptr_t offset, uintptr_t *address, struct error *error)
{
  struct search search;

  run_search(&search, module, NULL);
  if (!search.module_found)
    return error_set(error, SIGHOOK_NOT_FOUND, 0, "no loaded module is called %s, and none exports such a symbol",
                     module);
  if (offset >= search.high - search.base)
    return error_set(error, SIGHOOK_NOT_FOUND, 0, "%s+%#lx is beyond the module, which ends at +%#lx", module,
                     (unsigned long)offset, (unsigned long)(search.high - search.base));
  *address = search.base + offset;
  return SIGHOOK_OK;
}

/* `text` wholly as a number. */
static bool parse_number(const char *text, uintptr_t *number)
{
  char *end;

  if (*text < '0' || *text > '9')
    return false;
  errno = 0;
  *number = strtoul(text, &end, 0);
  return !errno && !*end;
}

/* Cuts +OFFSET off. A plus that no number follows belongs to the name, as in libstdc++.so.6. */
static bool cut_offset(char *name, uintptr_t *offset)
{
  char *plus = strrchr(name, '+');

  *offset = 0;
  if (!plus || !parse_number(plus + 1, offset))
    return false;
  *plus = 0;
  return true;
}

static bool is_file_and_line(const char *name)
{
  const char *colon = strrchr(name, ':');
  uintptr_t line;

  return colon && colon != name && colon[-1] != ':' && parse_number(colon + 1, &line);
}

static sighook_status look_up_name(char *name, bool has_offset, uintptr_t offset, uintptr_t *address,
                                   struct error *error)
{
  char *mark = strchr(name, '!'), *at = strchr(name, '@');
  sighook_status status;

  if (mark) {
    *mark = 0;
    status = find_symbol(name, mark + 1, address, error);
  } else if (at && at != name) {
    *at = 0;
    status = find_at(name, at + 1, address, error);
  } else {
    status = find_symbol(NULL, name, address, error);
    if (status && has_offset)
      return find_offset(name, offset, address, error);
  }
  if (!status)
    *address += offset;
  return status;
}

sighook_status symbols_resolve(const char *name, uintptr_t *address, struct error *error)
{
  char copy[NAME_MAX_LENGTH];
  uintptr_t offset, found;
  bool has_offset;
  sighook_status status;

  if (!*name || strlen(name) >= sizeof copy)
    return error_set(error, SIGHOOK_BAD_ARGUMENT, 0, "the name is %s", *name ? "too long" : "empty");
  if (parse_number(name, address))
    return SIGHOOK_OK;
  if (is_file_and_line(name))
    return error_set(error, SIGHOOK_UNSUPPORTED, 0, "%s: names by file and line are not supported yet", name);
  strcpy(copy, name);
  has_offset = cut_offset(copy, &offset);
  if (!*copy)
    return error_set(error, SIGHOOK_BAD_ARGUMENT, 0, "%s: a name is missing before the offset", name);
  status = look_up_name(copy, has_offset, offset, &found, error);
  if (!status)
    *address = found;
  return status;
}
