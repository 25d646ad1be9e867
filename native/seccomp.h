// The system call filter (seccomp(2)). What it allows is written in seccomp/*.policy and compiled by libseccomp.
#pragma once

#include "sandbox.h"

namespace nodespawner {

// Installs the filter for the calling thread and for all that it starts, and proves that it answers. Makes system calls
// only. `listener` gets the descriptor on which forbidden calls are announced (seccomp_unotify(2)). Returns the name of
// the call that failed, or null.
const char* InstallFilter(const Sandbox& sandbox, int* listener);

// Whether the filter is in force for the calling thread. Makes a system call only.
bool HasFilter(const Sandbox& sandbox);

// In the zygote: the number of the system call that a child was stopped at, or -1. The caller of it stays stopped until
// it is killed.
int ReadForbiddenCall(int listener);

}  // namespace nodespawner
