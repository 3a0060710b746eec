/* A job for libstdc++. */
#ifndef TESTS_TRUTH_IOSTREAM_JOB_H
#define TESTS_TRUTH_IOSTREAM_JOB_H

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the file at `path`, too. */
unsigned long iostream_run(const char *path, unsigned rounds);

#ifdef __cplusplus
}
#endif

#endif
