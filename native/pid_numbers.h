// The process ids of a child in its PID namespace (pid_namespaces(7)): the same for each, whoever had the namespace
// before (launcher/stubs.h).
//
// SECURITY: by ids that go on a child would learn how many children there were before, and how many threads they had.
#pragma once

#include <sys/types.h>

namespace nodespawner {

// A stub is the first.
constexpr pid_t kChildPid = 2;

// In the zygote, once. False where the kernel lets nobody say what the next id is (CONFIG_CHECKPOINT_RESTORE; /proc/sys
// is read-only in containers), or a filter refuses clone3(2).
bool CanChoosePids();

// The zygote's descriptor for it, or -1.
int PidNumbersFd();

// In a child: that it has kChildPid, and its threads count from there. Makes system calls only. Returns the one that
// failed, or what is not as it should be.
const char* CountPidsAnew();

}  // namespace nodespawner
