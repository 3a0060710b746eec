/* ThreadSanitizer sees no assembly. Where the library is built with it, its runtime is told what a routine's accesses pair with:
 * that the action was published before it is read, and that what an action did comes before its level's end. The runtime may use
 * vector registers, which the integer class does not save: no build but a test's. Elsewhere these are nothing. */
#ifndef HOST_WATCHED_H
#define HOST_WATCHED_H

#ifdef __SANITIZE_THREAD__
.macro WATCHED_SITE                             /* in rax, not kept: what was there before it was published has been */
        lea     SITE_ACTION(%rax), %rdi
        call    __tsan_acquire@PLT
.endm
.macro WATCHED_LOAD_ACTION                      /* of the site in rax, into rax */
        lea     SITE_ACTION(%rax), %rdi
        mov     SITE_ACTION(%rax), %rax
        push    %rax
        push    %rax                            /* twice for alignment */
        call    __tsan_acquire@PLT
        pop     %rax
        pop     %rax
.endm
.macro WATCHED_RELEASE_LEVEL
        lea     THREAD_LEVEL(%r12), %rdi
        call    __tsan_release@PLT
.endm
#else
#define WATCHED_SITE
#define WATCHED_LOAD_ACTION mov SITE_ACTION(%rax), %rax
#define WATCHED_RELEASE_LEVEL
#endif

#endif
