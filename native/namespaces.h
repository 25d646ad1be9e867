// Namespaces of a child (namespaces(7)), which its stub has made.
#pragma once

namespace nodespawner {

// Enters the namespaces of the process behind `pidfd` that the layers name; its PID namespace the child is in already.
// Makes system calls only. Returns the name of the call that failed, or null.
const char* EnterNamespaces(int pidfd, unsigned layers);

}  // namespace nodespawner
