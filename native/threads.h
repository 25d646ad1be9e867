// Carries the runtime's threads into a clone. clone(2) copies the calling thread alone; V8's queues and condition
// variables still count on all of them. Each other thread is parked in the zygote, inside a signal handler that was
// entered from the very system call in which the thread waits for work; in each child a new kernel thread continues in
// that handler, returns from it, and waits for work as before. In the zygote it may do so too, and be parked again. See
// docs/native.md.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "failure.h"

namespace nodespawner {

// The process before anything of the caller's was loaded: which threads there are, which files hold code.
struct Baseline {
  std::set<pid_t> threads;
  std::set<std::string> code;
};
Baseline TakeBaseline();

struct CarriedThreads {
  size_t carried = 0;   // parked, and started again in each child
  size_t left_out = 0;  // blocks every signal (the inspector's signal thread): absent from children
};

// Parks every thread but the calling one. Fails with ERR_THREAD_NOT_CARRIED, naming the thread, when one is not the
// runtime's own or not idle within `timeout_ms`; the process can't go on after that.
std::optional<Failure> ParkThreads(const Baseline& baseline, int timeout_ms, CarriedThreads* result);

// In the zygote: all of them go on. From now on they block SIGCHLD, which is to wait until the zygote looks for it.
void ReleaseThreads();

// In the child, from the one thread that clone(2) copied: starts those of the carried threads that no
// other starts later (thread_starts.h). Makes system calls only. They need not be waited for: each re-enters a wait
// that compares a value in memory first, so that a wake-up that comes before it is not lost. Returns 0 or an errno.
int ReviveThreads();

}  // namespace nodespawner
