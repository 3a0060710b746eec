/* Names to addresses, and modules as they come and go. */
#ifndef SIGHOOK_RESOLVE_H
#define SIGHOOK_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sighook/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "malloc", "libc.so.6!malloc", "libfoo.so+0x1234", "main.c:42" where debug information allows. By symbols that modules export: a
 * static program has none. */
sighook_status sighook_resolve(const char *name, uintptr_t *address);
/* Visit modules now loaded and, later, each one as it is loaded, before its constructors run, and as it goes. */
typedef struct sighook_module_watch {
  size_t size;                             /* sizeof(sighook_module_watch) */
  void (*loaded)(const char *path, uintptr_t base, void *user);
  void (*unloaded)(const char *path, uintptr_t base, void *user);
  void *user;
} sighook_module_watch;
typedef struct sighook_watch { uint64_t id; } sighook_watch;
sighook_status sighook_watch_modules(const sighook_module_watch *, sighook_watch *);
sighook_status sighook_unwatch_modules(sighook_watch);

#ifdef __cplusplus
}
#endif

#endif
