// The clone itself.
#pragma once

#include <sys/types.h>

#include <optional>

#include "failure.h"

namespace nodespawner {

// Once, before the first clone: finds what CloneProcess() needs.
std::optional<Failure> PrepareClone();

struct CloneResult {
  pid_t pid;         // 0 in the child, -1 if there is none
  int born_into;     // the control group that it needn't enter, or -1
  const char* step;  // what failed
  int error;         // its errno
};

// Clones the calling thread and all memory into the PID namespace of `stub_pidfd`, or into the caller's own for -1,
// and, where that can be, into the control group of version 2 whose directory `group` is (-1: none). Returns twice. All
// signals are blocked in the child until it restores its mask.
CloneResult CloneProcess(int stub_pidfd, int group);

// Where libc keeps the id of the thread that clones.
pid_t* MainTid();

}  // namespace nodespawner
