/* sighook: callbacks on instructions, and replacements of functions, of a running program.
 *
 * Conventions, true of every function unless its comment says otherwise:
 *   Status     every fallible call returns sighook_status; SIGHOOK_OK is zero. On failure nothing has changed and
 *              out-parameters are untouched; sighook_last_error() tells the calling thread why.
 *   Units      addresses are virtual addresses of this process; sizes and lengths are in bytes.
 *   Ownership  the library copies what it is given, owns what it returns, frees nothing of the caller's.
 *   Threads    any thread, any time; also from inside a callback. Not from an asynchronous signal handler unless it
 *              says [anywhere].
 */
#ifndef SIGHOOK_SIGHOOK_H
#define SIGHOOK_SIGHOOK_H

#include <sighook/status.h>
#include <sighook/context.h>
#include <sighook/patch.h>
#include <sighook/hook.h>
#include <sighook/batch.h>
#include <sighook/signals.h>
#include <sighook/resolve.h>

#endif
