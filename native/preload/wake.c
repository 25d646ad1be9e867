/* Waiting and waking as the zygote and its children have them: as in libc, but it can be asked who waits on what, and
 * somebody is told before it is woken.
 *
 * Old programs refer to pthread_cond_*() of another version, for which libc has other code: node's are all of the newer
 * one, which is the one that dlsym(3) finds. */
#include "wake.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT struct wake_hooks nodespawner_wake_hooks;

/* Signal handlers read it, so it may not be allocated when it is first used. */
static __thread const void *waits_on __attribute__((tls_model("initial-exec")));

EXPORT const void *nodespawner_waits_on(void) { return waits_on; }

/* Libraries may use them before this one is initialized. */
static void *libc_function(void **known, const char *name) {
  void *function = __atomic_load_n(known, __ATOMIC_RELAXED);
  if (!function) {
    function = dlsym(RTLD_NEXT, name);
    __atomic_store_n(known, function, __ATOMIC_RELAXED);
  }
  return function;
}

EXPORT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  static void *known;
  int (*wait)(pthread_cond_t *, pthread_mutex_t *) = libc_function(&known, "pthread_cond_wait");
  waits_on = condition;
  const int error = wait(condition, mutex);
  waits_on = NULL;
  return error;
}

EXPORT int pthread_cond_signal(pthread_cond_t *condition) {
  static void *known;
  int (*wake)(pthread_cond_t *) = libc_function(&known, "pthread_cond_signal");
  if (nodespawner_wake_hooks.on_signal) nodespawner_wake_hooks.on_signal(condition, 0);
  return wake(condition);
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *condition) {
  static void *known;
  int (*wake)(pthread_cond_t *) = libc_function(&known, "pthread_cond_broadcast");
  if (nodespawner_wake_hooks.on_signal) nodespawner_wake_hooks.on_signal(condition, 1);
  return wake(condition);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t size) {
  static void *known;
  ssize_t (*libc_write)(int, const void *, size_t) = libc_function(&known, "write");
  if (nodespawner_wake_hooks.on_write) nodespawner_wake_hooks.on_write(fd);
  return libc_write(fd, bytes, size);
}
