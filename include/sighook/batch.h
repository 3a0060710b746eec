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

/* On x86-64 entries of short instructions may need a page where their jump happens to lead, each a mapping of its own, and the system
 * grants a process so many only (Linux: vm.max_map_count). How many percent of those this library may take: 60 at the start. What is
 * beyond gets a trap, or SIGHOOK_NO_NEAR_MEMORY with SIGHOOK_REQUIRE_BRANCH, and the reason says so; what was taken is kept.
 * SIGHOOK_BAD_ARGUMENT above 100. */
sighook_status sighook_set_mapping_share(unsigned percent);

#ifdef __cplusplus
}
#endif

#endif
