/* Work for real libraries, small enough to be stepped through. Each answers with a digest of what came out. */
#ifndef TESTS_TRUTH_JOBS_H
#define TESTS_TRUTH_JOBS_H

/* Fetches what the jobs share; false where a library refuses. */
int jobs_start(unsigned rounds);

unsigned long job_compress(void);        /* ten times as long as the others */
unsigned long job_expand(void);
unsigned long job_text(void);
unsigned long job_memory(void);
unsigned long job_cipher(void);

#endif
