/* Work that goes through libc's and the loader's delicate places. Each piece prints one line, always the same; one whose child was
 * killed by SIGTRAP says so. */
#ifndef TESTS_HOSTS_WORK_H
#define TESTS_HOSTS_WORK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Pieces: what they find out, or a negative value where a child of theirs was killed by SIGTRAP. */
enum { WORK_TRAPPED = -1 };

long work_threads(void);
long work_ended_threads(void);
long work_arenas(void);
long work_libraries(void);
long work_missing_library(void);
long work_modules(void);
long work_exceptions(void);
long work_jumps(void);
long work_contexts(void);
long work_signals(void);
long work_forks(void);
long work_vfork(void);
long work_clone(void);
long work_spawn(void);
long work_shell(void);
long work_memory(void);
long work_text(void);

/* All of them. What is to happen at the end of the process is registered. */
void work(void);

/* What the last child's status says: its exit status, or WORK_TRAPPED. */
long work_status(int status);

#ifdef __cplusplus
}
#endif

#endif
