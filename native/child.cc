#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "caps.h"
#include "control.h"
#include "fd_table.h"
#include "randomness.h"
#include "threads.h"

namespace nodespawner {
namespace {

[[noreturn]] void FailInChild(int status_fd, const char* step, int error) {
  StepFailure failure = {};
  failure.error = error;
  strncpy(failure.step, step, sizeof failure.step - 1);
  // If the zygote can't be told, it still sees that the process ended.
  if (write(status_fd, &failure, sizeof failure) < 0) _exit(2);
  _exit(1);
}

}  // namespace

void BecomeChild(const ChildDescriptors& descriptors) {
  const auto require = [&](const char* failed_step) {
    if (failed_step) FailInChild(descriptors.status, failed_step, errno);
  };

  // The zygote may be killed; its namespace then ends with it, but this is one system call and a second lock.
  require(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? nullptr : "prctl(PR_SET_PDEATHSIG)");

  // Descriptors before threads: a revived event loop must find its own epoll instance, not the zygote's.
  const int keep[] = {std::min(descriptors.job, descriptors.status), std::max(descriptors.job, descriptors.status)};
  require(RenewFds(keep, 2));

  // Credentials belong to a thread: dropped before the others are started, which inherit them.
  require(DropCapabilities());

  errno = ReviveThreads();
  require(errno == 0 ? nullptr : "clone(CLONE_THREAD)");

  // OpenSSL takes locks, so this needs all threads to be back.
  require(ReseedGenerators());

  close(descriptors.status);
}

}  // namespace nodespawner
