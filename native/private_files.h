// What of its files a child has for itself: a mount namespace that begins as a copy of its stub's, and ends with the
// child; and in it an empty /tmp.
#pragma once

#include "sandbox.h"

namespace nodespawner {

// In the namespaces of its stub. `id` is the user and group to whom /tmp belongs, or -1. Makes system calls only.
// Returns the one that failed.
const char* MakePrivateFiles(const Sandbox& sandbox, int id);

}  // namespace nodespawner
