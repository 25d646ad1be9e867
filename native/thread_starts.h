// When a child starts the threads that it carries (threads.h): none before there is something for it to do, where that
// can be noticed. To start and end one takes 0.05 ms, and a usual job needs none.
#pragma once

#include <ucontext.h>

#include <optional>

#include "failure.h"
#include "parked_thread.h"

namespace nodespawner {

// In the zygote, before any thread is parked.
std::optional<Failure> PrepareStarts();

// The condition variable on which the calling thread waits, as far as is known. For the signal handler.
const void* ConditionWaitedOn();

// In the zygote, when they are parked, and there is an inventory of descriptors. From now on children start those alone
// that have something to do: of those that wait for the same, the first starts the next; and a thread is started by who
// wakes it, where the preloaded library tells of it (preload/wake.h). Before, they start all of them, and fail where
// the limit of tasks is too low for that.
void PlanStarts();

// In the child, from the one thread that clone(2) copied: starts those that no other does. Makes system calls only.
// Returns 0 or an errno.
int StartThreads();

// In a child, in the handler of a thread that waits for others, too: waits, and starts the next of them before it does
// what it was woken for. That one finds the word as it is then, like a thread that is late, so that no wake-up is lost.
void WaitForChain(const ParkedThread& self, ucontext_t* context);

}  // namespace nodespawner
