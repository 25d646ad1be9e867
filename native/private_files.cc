#include "private_files.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

namespace nodespawner {

const char* MakePrivateFiles(const Sandbox& sandbox, int id) {
  if (unshare(CLONE_NEWNS) != 0) return "unshare(CLONE_NEWNS)";
  char options[128];
  const int length =
      snprintf(options, sizeof options, "mode=0700,size=%lu,nr_inodes=%lu", sandbox.tmp.bytes, sandbox.tmp.inodes);
  if (id >= 0) {
    snprintf(options + length, sizeof options - static_cast<size_t>(length), ",uid=%d,gid=%d", id, id);
  }
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return mount("tmpfs", "/tmp", "tmpfs", flags, options) == 0 ? nullptr : "mount(tmpfs)";
}

}  // namespace nodespawner
