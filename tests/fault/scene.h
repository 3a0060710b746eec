/* A row of calls of the library, of every kind, beside hooks that were there before. Each call is made all or nothing, and
 * says why: where not, the process ends. */
#ifndef TESTS_FAULT_SCENE_H
#define TESTS_FAULT_SCENE_H

#include <stdbool.h>
#include <sighook/sighook.h>

enum scene_outcome { SCENE_DONE, SCENE_REFUSED, SCENE_SKIPPED };

/* Before the library is used. */
void scene_start(void);

/* The first calls of the row, which install a hook on each entry; their count. */
unsigned scene_early(void);

unsigned scene_count(void);
const char *scene_name(unsigned step);

/* Whether it has to change code to be done. */
bool scene_changes_code(unsigned step);

/* Makes one call of the row; skips it where what it undoes was refused. A refused one leaves `error`. */
enum scene_outcome scene_step(unsigned step, sighook_error *error);

/* REQUIREs that every hook, patch and replacement does what it should, and that other threads may use the library. */
void scene_check(void);

/* Where all that came is gone again: REQUIREs that nothing is left. */
void scene_end(void);

/* What stands at a place of place.h, as query says it. */
sighook_info scene_info(unsigned place);

#endif
