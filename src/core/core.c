/* Start, lock and fork. */
#include "core/core.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "codemem/arena.h"
#include "codemem/landing.h"
#include "core/heap.h"
#include "core/hook.h"
#include "core/lifetime.h"
#include "core/thread.h"
#include "host/host.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/sync.h"
#include "os/threads.h"
#include "resolve/codemap.h"
#include "table/table.h"

enum { MAPPING_SHARE = 60 };

static struct os_lock lock;
static bool started;
static _Atomic(uint32_t *) fork_word;     /* 1; a child finds 0, however it was forked */
static _Atomic(struct thread *) forker;   /* holds the lock in fork(): nothing is half done, and others' handlers may call us */

bool core_ignore(int change)
{
  struct thread *own = thread_enter();

  if (own)
    thread_ignore(own, change);
  return own != NULL;
}

static bool is_forker(void)
{
  return thread_record && atomic_load_explicit(&forker, memory_order_relaxed) == thread_record;
}

static void before_fork(void)
{
  core_ignore(1);
  os_lock(&lock);
  atomic_store_explicit(&forker, thread_record, memory_order_relaxed);
}

static void after_fork_in_parent(void)
{
  atomic_store_explicit(&forker, NULL, memory_order_relaxed);
  os_unlock(&lock);
  core_ignore(-1);
}

static bool is_forked(void)
{
  const uint32_t *word = atomic_load(&fork_word);

  return word && !*word;
}

static void forget_fork(void)
{
  uint32_t *word = atomic_load(&fork_word);

  if (word)
    *word = 1;
}

/* Before the lock is ever taken: a child that is forked while another thread starts the library has to know. */
static void watch_for_forks(void)
{
  uint32_t *none = NULL, *word;

  if (atomic_load(&fork_word) || !(word = os_allocate_fork_word()))
    return;
  *word = 1;
  if (!atomic_compare_exchange_strong(&fork_word, &none, word))
    os_free(word, os_page_size());
}

/* The child of fork(): nobody else runs, and nothing is half done. */
static void after_fork_in_child(void)
{
  atomic_store_explicit(&forker, NULL, memory_order_relaxed);
  atomic_store(&lock.word, 0);
  forget_fork();
  os_sync_start();
  thread_after_fork(true);
  core_ignore(-1);
}

/* A child that was made behind our back. If the lock was held at that moment, whatever its holder was changing may be half
 * done: live sites stand as they are, everything that is free is abandoned. */
static void recover_from_foreign_fork(void)
{
  bool whole = atomic_exchange(&forker, NULL) != NULL;

  forget_fork();
  if (atomic_exchange(&lock.word, 0) && !whole) {
    heap_abandon();
    arena_abandon();
    landing_abandon();
    hook_abandon();
    lifetime_abandon();
    codemap_forget();
    table_each(site_abandon_change);
  }
  os_sync_start();
  thread_after_fork(false);
}

void core_set_mapping_share(unsigned percent)
{
  landing_set_limit(os_mappings_max() / 100 * percent);
}

static sighook_status start(struct error *error)
{
  int failure;

  thread_start();
  host_start();
  core_set_mapping_share(MAPPING_SHARE);
  os_sync_start();
  started = true;                     /* first: a child forked in between must not have the handlers twice */
  failure = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  if (failure) {
    started = false;
    return error_os(error, SIGHOOK_NO_MEMORY, 0, "pthread_atfork", failure);
  }
  return SIGHOOK_OK;
}

sighook_status core_enter(struct error *error)
{
  sighook_status status = SIGHOOK_OK;

  watch_for_forks();
  if (is_forked())
    recover_from_foreign_fork();
  if (!core_ignore(1))
    return error_memory(error, 0, "no memory for this thread's record");
  if (!is_forker())
    os_lock(&lock);
  if (!started)
    status = start(error);
  if (status) {
    os_unlock(&lock);
    core_ignore(-1);
  }
  return status;
}

void core_leave(void)
{
  if (!is_forker())
    os_unlock(&lock);
  core_ignore(-1);
}
