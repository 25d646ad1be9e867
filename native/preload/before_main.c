/* What is done before main() in a zygote, for whom ld.so(8) preloads this library. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle) of absl/synchronization/mutex.h, and its kIgnore. Missing
 * where node has no Abseil (Node 20), or keeps it to itself. */
extern void _ZN4absl29SetMutexDeadlockDetectionModeENS_15OnDeadlockCycleE(int mode) __attribute__((weak));
enum { IGNORE = 0 };

/* Nobody whom the zygote or a child starts is to have it. What follows it was the caller's. */
static void leave_environment(void) {
  const char *value = getenv("LD_PRELOAD");
  const char *others = value ? strchr(value, ':') : NULL;
  if (others)
    setenv("LD_PRELOAD", others + 1, 1);
  else
    unsetenv("LD_PRELOAD");
}

__attribute__((constructor)) static void prepare(void) {
  leave_environment();
  /* Each of V8's threads had its own, and what it kept there, 360 pages in all, was in each child (mallopt(3)). */
  mallopt(M_ARENA_MAX, 1);
  /* Released builds of node have Abseil's checks for debugging: each lock of a mutex looked into a graph of all locks,
   * which takes 1 MB. */
  if (_ZN4absl29SetMutexDeadlockDetectionModeENS_15OnDeadlockCycleE) {
    _ZN4absl29SetMutexDeadlockDetectionModeENS_15OnDeadlockCycleE(IGNORE);
  }
}
