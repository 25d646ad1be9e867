#include "proc_cover.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <initializer_list>

#include "launcher/proc_files.h"
#include "syscalls.h"

namespace nodespawner {

int OpenProcSelf() { return open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC); }

// SECURITY: much of what the kernel tells a process about itself depends on others: smaps, numa_maps and pagemap on how
// many processes map a page of node, fdinfo on how many eventfds there are, net on sockets of the host. Two children
// could talk by it. What is left is a list, and not what is taken away, since kernels add to /proc.
const char* CoverProc(int proc_self) {
  if (mount(PROC_COVER, "/proc", nullptr, MS_BIND, nullptr) != 0) return "mount(/proc)";
  for (const auto& file : kProcFiles) {
    const int tree = sys_open_tree(proc_self, file.name);
    if (tree < 0) return "open_tree(/proc/self)";
    const bool moved = sys_move_mount(tree, file.target) == 0;
    const int error = errno;
    close(tree);
    errno = error;
    if (!moved) return "move_mount(/proc/self)";
  }
  return nullptr;
}

bool ShowsMoreOfProc() {
  for (const char* path : {"/proc/self/smaps", "/proc/self/fdinfo", "/proc/self/task", "/proc/self/net"}) {
    if (access(path, F_OK) == 0) return true;
  }
  return false;
}

}  // namespace nodespawner
