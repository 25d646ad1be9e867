// Reads back from the kernel what a child is confined by, before any untrusted byte is read.
#pragma once

#include "sandbox.h"

namespace nodespawner {

// Makes system calls only. Returns what is not as it should be, or null.
const char* VerifyConfinement(const Sandbox& sandbox, int id);

}  // namespace nodespawner
