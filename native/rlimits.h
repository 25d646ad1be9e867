// Resource limits (getrlimit(2)).
#pragma once

#include "sandbox.h"

namespace nodespawner {

// In the zygote, once: how much data memory (RLIMIT_DATA) it has, on top of which children are allowed theirs.
const char* MeasureData();

// Makes system calls only. Returns the name of the call that failed, or null.
const char* SetResourceLimits(const Sandbox& sandbox);

// Whether they are in force. Makes system calls only.
bool HasResourceLimits(const Sandbox& sandbox);

}  // namespace nodespawner
