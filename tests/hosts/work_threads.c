/* Threads: their start, their storage, their ends, their arenas. */
#define _GNU_SOURCE
#include "work.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 3, ROUNDS = 20, SIZES = 40 };

static __thread long own;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static long arrived, destroyed, cleaned;

static void destroy(void *value)
{
  __atomic_fetch_add(&destroyed, (long)(intptr_t)value, __ATOMIC_RELAXED);
}

static void make_key(void)
{
  pthread_key_create(&key, destroy);
}

static void *meet(void *argument)
{
  pthread_once(&once, make_key);
  pthread_setspecific(key, argument);
  own += (long)(intptr_t)argument;
  pthread_mutex_lock(&lock);
  arrived++;
  pthread_cond_broadcast(&changed);
  while (arrived < THREADS)
    pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  return (void *)(intptr_t)(own * 10);
}

long work_threads(void)
{
  pthread_t threads[THREADS];
  long sum = 0;
  void *result;

  for (intptr_t i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, meet, (void *)(i + 1)) != 0)
      return 1;
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(threads[i], &result);
    sum += (long)(intptr_t)result;
  }
  return sum * 100 + destroyed * 10 + own;
}

static void clean(void *value)
{
  __atomic_fetch_add(&cleaned, (long)(intptr_t)value, __ATOMIC_RELAXED);
}

/* Cancelled by a signal each time, wherever it has come to. */
static void *wait_for_cancel(void *argument)
{
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  pthread_cleanup_push(clean, (void *)1);
  sem_post(argument);
  for (;;)
    pause();
  pthread_cleanup_pop(0);
  return NULL;
}

static void *leave(void *argument)
{
  pthread_cleanup_push(clean, (void *)10);
  pthread_exit(argument);
  pthread_cleanup_pop(0);
  return NULL;
}

static void *post(void *argument)
{
  sem_post(argument);
  return NULL;
}

long work_ended_threads(void)
{
  pthread_attr_t detached;
  pthread_t thread;
  void *result[2];
  sem_t ready;

  sem_init(&ready, 0, 0);
  if (pthread_create(&thread, NULL, wait_for_cancel, &ready) != 0)
    return 1;
  sem_wait(&ready);
  pthread_cancel(thread);
  pthread_join(thread, &result[0]);
  pthread_create(&thread, NULL, leave, (void *)7);
  pthread_join(thread, &result[1]);
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_create(&thread, &detached, post, &ready);
  pthread_attr_destroy(&detached);
  sem_wait(&ready);
  return (result[0] == PTHREAD_CANCELED ? 100 : 0) + (long)(intptr_t)result[1] + cleaned * 1000;
}

static void *allocate(void *argument)
{
  unsigned char *kept[SIZES] = {NULL};
  long sum = (long)(intptr_t)argument;

  for (unsigned i = 0; i < ROUNDS * SIZES; i++) {
    size_t size = 1 + i * 37 % 1500;
    unsigned char **place = &kept[i % SIZES];

    if (*place)
      sum += **place;
    if (i % 3)
      *place = realloc(*place, size);
    else
      free(*place), *place = malloc(size);
    memset(*place, (int)i, size);
  }
  for (unsigned i = 0; i < SIZES; i++)
    free(kept[i]);
  return (void *)(intptr_t)sum;
}

long work_arenas(void)
{
  pthread_t threads[THREADS];
  long sum = 0;
  void *result;

  for (intptr_t i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, allocate, (void *)i) != 0)
      return 1;
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(threads[i], &result);
    sum += (long)(intptr_t)result;
  }
  return sum;
}
