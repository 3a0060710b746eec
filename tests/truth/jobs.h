/* Work for real libraries, small enough to be stepped through. Each emits what comes out, and answers with a digest of it. */
#ifndef TESTS_TRUTH_JOBS_H
#define TESTS_TRUTH_JOBS_H

/* Fetches what the jobs share; false where a library refuses. `small`: with less to copy and to encrypt. */
int jobs_start(unsigned rounds, int small);

unsigned long job_compress(void);
unsigned long job_expand(void);
unsigned long job_text(void);
unsigned long job_regex(void);
unsigned long job_memory(void);
unsigned long job_strings(void);
unsigned long job_digest(void);
unsigned long job_cipher(void);

#endif
