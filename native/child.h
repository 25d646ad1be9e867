// What a child does between clone(2) and its first line of JavaScript.
#pragma once

namespace nodespawner {

struct ChildDescriptors {
  int job;     // the child's end of its job socket; stays open
  int status;  // where a failed step is reported; closed at the end
};

// Runs in the one thread that clone(2) copied, while all others are still missing: system calls only, no allocation, no
// lock, no stdio. A step that fails is reported to the zygote and ends the process.
void BecomeChild(const ChildDescriptors& descriptors);

}  // namespace nodespawner
