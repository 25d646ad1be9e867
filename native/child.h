// What a child does between clone(2) and its first line of JavaScript.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox.h"

namespace nodespawner {

struct ChildResources {
  uint32_t token;
  int job;                // the child's end of its job socket; stays open
  int status;             // over which the outcome is told to the zygote; closed at the end
  int stub_pidfd;         // whose namespaces it enters
  const int* cgroup_fds;  // what each of its control groups is entered by
  size_t cgroup_count;
  int born_into;  // which of these it is in already, or -1
  int id;         // its user and group id, or -1 to keep the zygote's
};

// Runs in the one thread that clone(2) copied, while all others are still missing: system calls only, no allocation, no
// lock, no stdio. A step that fails is reported to the zygote and ends the process.
void BecomeChild(const ChildResources& resources, const Sandbox& sandbox);

// The same for a scout: what makes the clone a process of its own, and none of the sandbox. It ends by itself if it
// takes long, and the process if a step fails.
void BecomeScout(int report);

}  // namespace nodespawner
