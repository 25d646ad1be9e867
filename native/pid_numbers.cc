#include "pid_numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "launcher/clone.h"

namespace nodespawner {
namespace {

int g_last_pid = -1;

// Whether this process may give ids, by asking for one that is taken: its own.
bool MayGivePids() {
  const pid_t taken = getpid();
  clone3_arguments arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<uintptr_t>(&taken);
  arguments.set_tid_size = 1;
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  return pid < 0 && errno == EEXIST;
}

}  // namespace

bool CanChoosePids() {
  if (!MayGivePids()) return false;
  // Which namespace it is about is for who writes to say.
  g_last_pid = open("/proc/sys/kernel/ns_last_pid", O_RDWR | O_CLOEXEC);
  return g_last_pid >= 0;
}

int PidNumbersFd() { return g_last_pid; }

const char* CountPidsAnew() {
  static_assert(kChildPid == 2, "as it is written here");
  // All children have the same open file, and what is written to such a file behind its beginning does nothing
  // (sysctl_writes_strict of proc_sys_kernel(5)).
  if (pwrite(g_last_pid, "2", 1, 0) != 1) return "pwrite(ns_last_pid)";
  char last[2] = {};
  const bool is_last =
      getpid() == kChildPid && pread(g_last_pid, last, sizeof last, 0) == 2 && last[0] == '2' && last[1] == '\n';
  errno = EPERM;
  return is_last ? nullptr : "verify: process ids do not begin anew";
}

}  // namespace nodespawner
