/* The measuring harness: rounds of alternating loops, medians, one line a figure. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sighook/sighook.h>

enum { ROUNDS = 41, MEASURED_MAX = 12 };

typedef long target_function(long);

/* Calls function(0) to function(calls - 1); in assembly, so that each build's loop stands aligned alike. */
void call_in_a_loop(target_function *function, long calls);

double now_ns(void);
/* Sorts `values`; the middle one. */
double median(double *values, unsigned count);

/* Nanoseconds a call of each of MEASURED_MAX at most, medians over rounds in which they take turns. */
void measure(target_function *const *functions, unsigned count, unsigned calls, double *ns);

/* `what: measured unit (bound): ok|over`; remembers whether any was over. */
void row(const char *what, double measured, const char *unit, double bound, const char *detail, ...)
    __attribute__((format(printf, 5, 6)));
bool any_over(void);
/* The same without a bound. */
void figure(const char *what, double measured, const char *unit, const char *detail, ...) __attribute__((format(printf, 4, 5)));

/* So many threads, 64 at most, that wait for a lock; and their end. */
void put_to_sleep(unsigned count);
void wake(void);

/* Of this process: memory that is its own, and lines of /proc/self/maps. */
double private_kilobytes(void);
unsigned mappings(void);

/* Ends the program with the library's reason unless OK. */
void must(sighook_status status, const char *what);
sighook_hook hook(target_function *function, sighook_kind kind, uint32_t flags, sighook_handler handler);
void empty_handler(sighook_context *context, void *user);

void bench_hits(void);
void bench_threads(void);
void bench_paths(void);
void bench_short(void);
void bench_install(void);
void bench_batch(void);
void bench_table(void);
void bench_command(const char *sighook);

#endif
