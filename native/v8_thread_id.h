// V8's own note of a thread's id. In Node 24 and later each thread asks the kernel for it once, and keeps it
// (v8::base::OS::GetCurrentThreadId()); a recursive mutex tells by it who has locked it. The threads of a child have
// other ids than those that they are clones of, and what is noted could be that of a new one: both would be let in.
#pragma once

#include <sys/types.h>

#include <optional>

#include "failure.h"

namespace nodespawner {

// In the zygote, before a clone: finds where threads keep it. Fails with ERR_RUNTIME_UNSUPPORTED where node doesn't
// export the function.
std::optional<Failure> FindV8ThreadId();

// In each thread of a clone: notes its own id where it has noted `before`. Makes a system call only.
void RenewV8ThreadId(pid_t before);

// In a clone: whether the calling thread is known to V8 by its own id.
bool V8ThreadIdIsRight();

}  // namespace nodespawner
