/* What moving a signal frame of Linux needs to know of the machine's. */
#ifndef FRAME_LINUX_H
#define FRAME_LINUX_H

#include "frame/frame.h"

struct frame_place {
  uintptr_t start, end;          /* the handler begins with sp at its start */
  uintptr_t interrupted;         /* sp */
  uintptr_t free;                /* below it nothing is in use there */
};
enum { FRAME_ALIGNMENT = 64 };   /* as much as there is in any frame */

/* False where the frame is not as the kernel makes it. */
bool frame_find(const void *ucontext, uintptr_t record, struct frame_place *place);
/* What in it points into it, after it was moved up by so many bytes. */
void frame_follow(void *ucontext, uintptr_t distance);

_Noreturn void frame_go_on(int number, siginfo_t *info, void *ucontext, frame_function *function, uintptr_t sp, uintptr_t record,
                           uintptr_t back);

#endif
