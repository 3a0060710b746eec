/* Dispatch on the way of a hit, on captured registers, in ordinary context. Uses general registers only, no lock and no libc:
 * everything it calls may be hooked. */
#include "core/dispatch.h"

#include <stdbool.h>
#include "core/lifetime.h"
#include "core/tally.h"
#include "table/table.h"

/* Where the program goes on: unless a handler chose otherwise, behind the instruction, at the replacement, or at it. */
static void choose_pc(const struct chain *chain, sighook_context *context, bool skip, const void *replacement)
{
  if (host_pc(context) != chain->site->address)
    return;
  if (replacement)
    host_set_replacement(context, (uintptr_t)replacement);
  else if (skip)
    host_skip(context, chain->site);
}

/* `delivers` tells which handlers run: all, or those that asked for recursion, or none. */
enum delivery { DELIVER_ALL, DELIVER_RECURSIVE, DELIVER_NONE };

static bool delivered(const struct hook *hook, enum delivery delivery)
{
  return delivery == DELIVER_ALL || (delivery == DELIVER_RECURSIVE && (hook->flags & SIGHOOK_ALLOW_RECURSION));
}

/* Only its thread writes a counter, and whoever sums reads whole words (tally_sum). No atomic access here: one instruction adds where
 * the machine has one, which a signal handler's hit cannot come between. */
static __attribute__((no_sanitize("thread"))) void add_hit(struct counter *counter, bool missed)
{
  counter->hits++;
  counter->missed += missed;
}

/* Before the handlers run: afterwards a coroutine may be on another thread. */
static void count_hit(const struct chain *chain, enum delivery delivery)
{
  bool counted = false, missed = false;
  struct counter *counter;

  for (uint32_t i = 0; i < chain->count; i++) {
    const struct hook *hook = chain->hooks[i];

    counted |= (hook->flags & SIGHOOK_COUNT) != 0;
    missed |= hook->action.handler && !delivered(hook, delivery);
  }
  if (!counted || !thread_record || !(counter = tally_of(thread_record, (uint32_t)chain->site->counter)))
    return;
  add_hit(counter, missed);
}

static void run_chain(const struct chain *chain, sighook_context *context, enum delivery delivery)
{
  const void *replacement = NULL;
  bool skip = false;

  count_hit(chain, delivery);
  for (uint32_t i = 0; i < chain->count; i++) {
    const struct hook *hook = chain->hooks[i];

    if (hook->kind == SIGHOOK_REPLACE) {
      replacement = replacement ? replacement : hook->action.argument;
    } else if (hook->action.handler && delivered(hook, delivery)) {
      hook->action.handler(context, hook->action.argument);
      skip |= hook->kind == SIGHOOK_PROBE_SKIP;
    }
  }
  choose_pc(chain, context, skip, replacement);
}

void dispatch_chain(sighook_context *context, void *chain)
{
  run_chain(chain, context, DELIVER_ALL);
}

static int run_action(struct frame *frame, const struct site *site, unsigned save_class, enum delivery delivery)
{
  tagged_action tagged = atomic_load_explicit(&site->action, memory_order_acquire);
  struct action *action = action_of(tagged);

  if (tagged == NO_ACTION)
    return 0;
  if (action_class(tagged) > save_class)
    return 1;
  if (action->is_chain)
    run_chain((struct chain *)action, &frame->context, delivery);
  else if (delivered((struct hook *)action, delivery))
    action->handler(&frame->context, action->argument);
  return 0;
}

uintptr_t dispatch_target(const struct frame *frame)
{
  const struct site *site = host_frame_site(frame);
  uintptr_t pc = host_pc(&frame->context);
  struct table_value found;

  if (pc == site->address)
    return host_path(site, PART_DISPLACED);
  found = table_find(pc);
  if (!found.site || found.tag || found.site->shift ||
      atomic_load_explicit(&found.site->state, memory_order_acquire) != SITE_LIVE)
    return pc;
  return site_gate(found.site);
}

struct thread *dispatch_thread(struct thread *thread)
{
  return thread == &thread_nobody ? thread_enter() : thread;
}

static int run_in(struct thread *record, struct frame *frame, const struct site *site, unsigned save_class,
                  enum delivery delivery)
{
  uint64_t epoch = atomic_load_explicit(&capture_facts.epoch, memory_order_relaxed);
  int again;

  atomic_store_explicit(&record->level, host_level(frame, epoch), memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);       /* stored before the action is read; pairs with lifetime_wait's barrier */
  again = run_action(frame, site, save_class, delivery);
  atomic_store_explicit(&record->level, 0, memory_order_release);
  return again;
}

int dispatch_nested(struct frame *frame, struct site *site, struct thread *thread, unsigned save_class)
{
  bool ignored = atomic_load_explicit(&thread->ignore, memory_order_relaxed) != 0;
  bool inside = atomic_load_explicit(&thread->level, memory_order_relaxed) != 0;
  struct thread *inner;

  if (!inside || thread_level_is_stale(thread, frame))      /* the outermost, as the capture routine would have entered it */
    return run_in(thread, frame, site, save_class, ignored ? DELIVER_NONE : DELIVER_ALL);
  inner = thread_inner(thread, frame);
  if (inner == thread)
    return run_action(frame, site, save_class, ignored ? DELIVER_NONE : DELIVER_RECURSIVE);
  return inner ? run_in(inner, frame, site, save_class, ignored ? DELIVER_NONE : DELIVER_RECURSIVE) : 0;
}
