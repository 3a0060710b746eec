/* The registers at a site: the only header that picks by platform. */
#ifndef SIGHOOK_CONTEXT_H
#define SIGHOOK_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__)
#include <sighook/context_x86_64.h>
#elif defined(__aarch64__)
#include <sighook/context_aarch64.h>
#else
#error sighook: this architecture is not supported
#endif

/* Registers at the site, as the interrupted code would see them; pc (x86-64: rip) is the site's address when the callback
 * begins. What the callback writes takes effect when it returns, sp and pc included; sp may be set anywhere on a mapped stack.
 * The integer part has the reference's layout and never changes. Vector state is reached by sighook_vector, since its place
 * and width follow the CPU; `state` says what is there. */
enum {                                     /* sighook_context.state */
  SIGHOOK_STATE_VECTOR = 1u << 0,          /* sighook_vector answers: x86-64 xmm, ymm or zmm; AArch64 v or z */
  SIGHOOK_STATE_MASK = 1u << 1,            /* sighook_mask answers: x86-64 k0..k7; AArch64 p0..p15 and ffr */
  SIGHOOK_STATE_X87 = 1u << 2              /* asked for by SIGHOOK_SAVE_X87 */
};

/* Register `index` as writable bytes, little-endian, `*width` of them (16, 32, 64, or the SVE vector length); NULL where it
 * was not saved. A write reaches the register even where the CPU held it in its initial state. [anywhere] */
void *sighook_vector(sighook_context *, unsigned index, size_t *width);
void *sighook_mask(sighook_context *, unsigned index, size_t *width);
void *sighook_x87(sighook_context *);                         /* the 512-byte FXSAVE image; NULL where not saved [anywhere] */

/* Argument and result access by the platform's C calling convention, valid at a function's entry (results: at its exit).
 * Each class is counted for itself: index 1 of the double class is the second floating-point argument. Arguments of the
 * integer class beyond the registers are read from the stack. */
uint64_t sighook_arg(const sighook_context *, unsigned index);             /* [anywhere] */
void sighook_set_arg(sighook_context *, unsigned index, uint64_t value);   /* [anywhere] */
double sighook_arg_double(sighook_context *, unsigned index);              /* [anywhere] */
void sighook_set_arg_double(sighook_context *, unsigned index, double value);  /* [anywhere] */
float sighook_arg_float(sighook_context *, unsigned index);                /* [anywhere] */
void sighook_set_arg_float(sighook_context *, unsigned index, float value);    /* [anywhere] */
uint64_t sighook_result(const sighook_context *);                          /* [anywhere] */
void sighook_set_result(sighook_context *, uint64_t value);                /* [anywhere] */
double sighook_result_double(sighook_context *);                           /* [anywhere] */
void sighook_set_result_double(sighook_context *, double value);           /* [anywhere] */
void sighook_skip(sighook_context *);                         /* resume after the instruction at the site [anywhere] */
void sighook_return(sighook_context *, uint64_t value);       /* at an entry: return to the caller at once [anywhere] */
void *sighook_call_data(sighook_context *);                   /* CALL: spec.call_data_size zeroed bytes of this call, the same at
                                                                 entry and exit; NULL elsewhere [anywhere] */

typedef void (*sighook_callback)(uintptr_t address, sighook_context *ctx);

#ifdef __cplusplus
}
#endif

#endif
