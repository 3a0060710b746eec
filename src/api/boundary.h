/* The boundary: public calls validate, copy what they are given, call the core, and publish the error. */
#ifndef API_BOUNDARY_H
#define API_BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sighook/sighook.h>
#include "core/transact.h"
#include "error.h"
#include "visibility.h"


/* Publishes `error` to the calling thread unless `status` is SIGHOOK_OK; returns `status`. */
sighook_status api_finish(sighook_status status, const struct error *error);

/* Copies a caller's structure that carries its size first: too small is an error, an unknown tail must be zero. */
sighook_status api_copy(void *to, size_t size, const void *from, const char *what, struct error *error);

/* A spec, copied and checked. */
sighook_status api_copy_spec(sighook_spec *to, const sighook_spec *from, struct error *error);

/* Fills the caller's structure, of which `info->size` bytes are his. */
void api_fill_info(sighook_info *info, const struct site *site, const struct hook *hook);

/* Nothing of ours stands at the site any more. */
void api_tell_gone(sighook_info *info);

/* The hook of a handle, or NOT_FOUND. Under the lock. */
sighook_status api_find(sighook_hook handle, struct hook **hook, struct error *error);

#endif
