// Capabilities (capabilities(7)).
#pragma once

namespace nodespawner {

// Empties the ambient, inheritable, permitted and effective sets of the calling thread, and looks whether they are.
// Makes system calls only. Returns the name of the call that failed, or null.
const char* DropCapabilities();

}  // namespace nodespawner
