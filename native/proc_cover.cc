#include "proc_cover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "launcher/proc_files.h"
#include "syscalls.h"

namespace nodespawner {

namespace {

template <typename IsKnown>
bool HasOtherEntries(const char* path, IsKnown is_known) {
  const int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return true;
  // struct linux_dirent64 of getdents(2), whose glibc wrapper is opendir(3), which allocates.
  alignas(8) char entries[4096];
  constexpr size_t kLengthAt = 16, kNameAt = 19;
  bool others = false;
  long size;
  while ((size = syscall(SYS_getdents64, directory, entries, sizeof entries)) > 0) {
    for (long at = 0; at < size;) {
      const char* name = entries + at + kNameAt;
      others |= strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !is_known(name);
      unsigned short length;
      memcpy(&length, entries + at + kLengthAt, sizeof length);
      at += length;
    }
  }
  close(directory);
  return others || size < 0;
}

}  // namespace

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
  // Itself by two names (native/launcher/root.c), and what was put there.
  const bool others =
      HasOtherEntries("/proc", [](const char* name) { return strcmp(name, "self") == 0 || strcmp(name, "2") == 0; });
  return others || HasOtherEntries("/proc/self", [](const char* name) {
           return std::any_of(std::begin(kProcFiles), std::end(kProcFiles),
                              [&](const auto& file) { return strcmp(name, file.name) == 0; });
         });
}

}  // namespace nodespawner
