/* Many hooks installed or removed as one, all or nothing. */
#ifndef SIGHOOK_BATCH_H
#define SIGHOOK_BATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sighook/hook.h>
#include <sighook/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sighook_batch sighook_batch;
sighook_status sighook_batch_create(sighook_batch **);
sighook_status sighook_batch_install(sighook_batch *, const sighook_spec *, sighook_hook *);  /* set by commit */
sighook_status sighook_batch_remove(sighook_batch *, sighook_hook);
sighook_status sighook_batch_commit(sighook_batch *, size_t *failed_at);                      /* all or nothing */
void sighook_batch_destroy(sighook_batch *);

#ifdef __cplusplus
}
#endif

#endif
