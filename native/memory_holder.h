// A process that shares a child's memory and does nothing. Memory is taken apart by the last process that has it
// (CLONE_VM in clone(2)): with a holder the child can be reaped at once when it ends, and the zygote ends the holder
// afterwards, which nobody has to wait for.
//
// SECURITY: the holder is outside of the child's PID namespace, so that nothing in there can name it, and waits with
// all signals blocked in a system call that needs no memory. Should it ever run what the child has written, then with
// the child's ids, no capability, no descriptor, and a filter that allows it to wait and to end.
#pragma once

#include <stdint.h>
#include <sys/types.h>

namespace nodespawner {

struct Holder {
  uint32_t token;  // of the child
  int status;      // over which the zygote is told the child's pid
  int id;          // its user and group id, or -1 to keep the zygote's
  bool gives_pid;  // whether the child is to have kChildPid, and not the next id that there is (pid_numbers.h)
};

// Called in a clone of the zygote that is in the child's namespaces, with all signals blocked: it becomes the holder,
// and the caller goes on as a sibling in the PID namespace of `stub_pidfd`, with the same memory, whose parent is the
// zygote. Returns the step that failed, with errno.
const char* LeaveHolder(const Holder& holder, int stub_pidfd);

// Waits until the holder is confined. Returns the step that it failed at, with errno.
const char* AwaitHolder();

}  // namespace nodespawner
