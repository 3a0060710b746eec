/* The personality of the capture routines: an exception or a cancellation that unwinds out of an action ends its level. It
 * lands nowhere; the unwinder goes on in the hooked function. */
#include <dlfcn.h>
#include <unwind.h>
#include "core/thread.h"
#include "host/host.h"

/* Whoever throws has an unwinder; we do not make every program load one. */
extern _Unwind_Word _Unwind_GetGR(struct _Unwind_Context *, int) __attribute__((weak));

_Unwind_Reason_Code thread_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                       struct _Unwind_Exception *exception, struct _Unwind_Context *context)
    __attribute__((visibility("hidden")));

/* Where a capture begins and ends the register still has what the program has in it, and a cancellation may come there. */
static bool is_record(const struct thread *thread)
{
  const struct thread *record = thread_first();

  while (record && record != thread)
    record = record->next;
  return record != NULL;
}

_Unwind_Reason_Code thread_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                       struct _Unwind_Exception *exception, struct _Unwind_Context *context)
{
  _Unwind_Word (*get_register)(struct _Unwind_Context *, int) = _Unwind_GetGR;
  const struct frame *frame;
  struct thread *thread;

  (void)version;
  (void)class;
  (void)exception;
  if (!(actions & _UA_CLEANUP_PHASE))
    return _URC_CONTINUE_UNWIND;
  if (!get_register)
    get_register = (_Unwind_Word(*)(struct _Unwind_Context *, int))dlsym(RTLD_DEFAULT, "_Unwind_GetGR");
  if (!get_register)
    return _URC_CONTINUE_UNWIND;
  frame = (const struct frame *)(get_register(context, HOST_FRAME_REGISTER) - HOST_FRAME_BIAS);
  thread = (struct thread *)get_register(context, HOST_THREAD_REGISTER);
  if (!is_record(thread))
    return _URC_CONTINUE_UNWIND;
  for (; thread; thread = thread->inner)
    if (host_level_frame(atomic_load_explicit(&thread->level, memory_order_relaxed)) == frame)
      atomic_store_explicit(&thread->level, 0, memory_order_release);
  return _URC_CONTINUE_UNWIND;
}
