// The file descriptors that the runtime keeps for itself (epoll instances, eventfds, self-pipes, /dev/null): what was
// found in the zygote, and how a child gets objects of its own behind the same numbers. clone(2) copies the table, but
// the open file descriptions behind it would be shared among the zygote and all children.
#pragma once

#include <stddef.h>

#include <optional>
#include <vector>

#include "failure.h"

namespace nodespawner {

// Reads the table of the zygote. `own` are the zygote's descriptors, which no child keeps (control socket and the
// like). Fails with ERR_FD_NOT_CARRIED, naming the descriptor, for anything that can't be made anew: a socket, a file,
// …
std::optional<Failure> InventoryFds(const std::vector<int>& own);

// The same once more, of the descriptors that it found, all of which are to be there still: others are the zygote's own
// by now, and a child closes them.
std::optional<Failure> InventoryFdsAgain();

// What it takes to read /proc where the zygote may have no more descriptors: some of its own that are in nobody's way.
void KeepSpareFds();
void CloseSpareFds();

// In the child: closes every descriptor above stderr that is neither in `keep` (ascending) nor the runtime's, puts
// /dev/null behind the standard streams, then replaces the runtime's by new objects. Makes system calls only. Returns
// the name of the system call that failed, or null.
const char* RenewFds(const int* keep, size_t keep_count);

// Of an epoll instance of the runtime's: whether nothing wakes who waits there but that the process itself writes to an
// eventfd or a self-pipe; and whether to this one.
bool IsWokenByWritesAlone(int epoll_fd);
bool IsWokenByWriteTo(int epoll_fd, int fd);

// In the child, later: whether there is any other descriptor. `slots` is how many the table has room for, so that none
// has a higher number (FDSize of proc_pid_status(5)). Makes system calls only.
bool HasOtherFds(const int* keep, size_t keep_count, int slots);

}  // namespace nodespawner
