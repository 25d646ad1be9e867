// Capabilities (capabilities(7)).
#pragma once

namespace nodespawner {

// In the zygote, once, inherited by all children: empties the bounding set and locks the securebits, so that no program
// and no change of ids gives a capability back. The zygote keeps those that it has. Returns the name of the call that
// failed, or null.
const char* LockCapabilities();

// Empties the ambient, inheritable, permitted and effective sets of the calling thread, and looks whether they are.
// Makes system calls only. Returns the name of the call that failed, or null.
const char* DropCapabilities();

}  // namespace nodespawner
