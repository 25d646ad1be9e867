// User and group ids (credentials(7)).
#pragma once

#include <sys/types.h>

namespace nodespawner {

// All ids of the calling thread become `id`, and it has no other group. Makes system calls only. Returns the name of
// the call that failed, or null.
const char* SwitchIds(uid_t id);

}  // namespace nodespawner
