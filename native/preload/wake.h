/* Between the preloaded library and the addon, which looks these up by name (dlsym(3)): how it is noticed that a thread
 * is about to be woken, which in a child may not have been started yet (native/thread_starts.cc). */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Set while somebody wants to know. They are called before the thread is woken, in the thread that wakes it. */
struct wake_hooks {
  void (*on_signal)(const void *condition, int is_broadcast); /* pthread_cond_signal(3), pthread_cond_broadcast(3) */
  void (*on_write)(int fd);                                   /* write(2), as to an eventfd(2) */
};
extern struct wake_hooks nodespawner_wake_hooks;

/* The condition variable on which the calling thread waits; NULL if it doesn't. For signal handlers. */
const void *nodespawner_waits_on(void);

#ifdef __cplusplus
}
#endif
