#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "caps.h"
#include "control.h"
#include "creds.h"
#include "fd_table.h"
#include "fdpass.h"
#include "launcher/cgroup_entrance.h"
#include "launcher/layers.h"
#include "memory_holder.h"
#include "namespaces.h"
#include "pid_numbers.h"
#include "private_files.h"
#include "proc_cover.h"
#include "randomness.h"
#include "rlimits.h"
#include "seccomp.h"
#include "syscalls.h"
#include "threads.h"
#include "v8_thread_id.h"
#include "verify.h"

namespace nodespawner {
namespace {

[[noreturn]] void FailInChild(const ChildResources& resources, const char* step, int error) {
  ChildReport report = {};
  report.token = resources.token;
  report.error = error ? error : EPERM;
  strncpy(report.step, step, sizeof report.step - 1);
  // If the zygote can't be told, it still sees that the process ended.
  _exit(SendMessage(resources.status, &report, sizeof report, nullptr, 0) ? 2 : 1);
}

// SECURITY: the kernel's out-of-memory killer is to take a child before anything else. The file is in the /proc that
// the zygote sees.
const char* OfferToOomKiller() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return "open(oom_score_adj)";
  const bool done = write(fd, "1000", 4) == 4;
  const int error = errno;
  close(fd);
  errno = error;
  return done ? nullptr : "write(oom_score_adj)";
}

}  // namespace

void BecomeChild(const ChildResources& resources, const Sandbox& sandbox) {
  const unsigned layers = sandbox.layers & ~sandbox.skipped;
  const auto require = [&](const char* failed_step) {
    if (failed_step) FailInChild(resources, failed_step, errno);
  };

  // First what needs the descriptors, the files and the capabilities of the zygote.
  require(OfferToOomKiller());
  const int* groups = resources.cgroup_fds;
  require(enter_groups(groups, resources.cgroup_count, resources.born_into) == 0 ? nullptr : "write(cgroup)");
  require(EnterNamespaces(resources.stub_pidfd, layers));
  if (layers & LAYER_FILES) require(MakePrivateFiles(sandbox, resources.id));
  if (sandbox.single_process) {
    const Holder holder = {resources.token, resources.status, resources.id, sandbox.reuses_stubs};
    require(LeaveHolder(holder, resources.stub_pidfd));
  }
  if (sandbox.reuses_stubs) {
    require(CountPidsAnew());
    if (layers & LAYER_IPC) require(VerifyNoIpcObjects());
  }

  // SECURITY: out of the process group of the zygote and its launcher, which kill(0) reaches from within any PID
  // namespace; where the kernel groups tasks by session (autogroup of sched(7)), a child's share of the CPU is its own,
  // too.
  require(setsid() >= 0 ? nullptr : "setsid");

  // Descriptors before threads: a revived event loop must find its own epoll instance, not the zygote's.
  int keep[3] = {std::min(resources.job, resources.status), std::max(resources.job, resources.status)};
  size_t keep_count = 2;
  if (!(sandbox.skipped & kSkipNewFds)) require(RenewFds(keep, keep_count));

  const int proc_self = OpenProcSelf();
  require(proc_self >= 0 ? nullptr : "open(/proc/self)");
  if (sandbox.covers_proc && layers & LAYER_FILES && !(sandbox.skipped & kSkipProcCover)) require(CoverProc(proc_self));

  // Limits before ids: some may only be raised with privileges that go with them.
  if (layers & LAYER_LIMITS) require(SetResourceLimits(sandbox));

  // All of the following belongs to a thread, and those that are started later inherit it.
  if (resources.id >= 0 && !(sandbox.skipped & LAYER_USER)) require(SwitchIds(static_cast<uid_t>(resources.id)));
  if (layers & LAYER_CAPABILITIES) require(DropCapabilities());
  if (sandbox.single_process) require(AwaitHolder());
  // After the ids, whose change resets both; that of the holder's resets what belongs to the memory. The zygote may be
  // killed: its namespace ends with it, but this is one system call and a second lock.
  require(prctl(PR_SET_DUMPABLE, layers & LAYER_DUMPABLE ? 0 : 1, 0, 0, 0) == 0 ? nullptr : "prctl(PR_SET_DUMPABLE)");
  require(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ? nullptr : "prctl(PR_SET_PDEATHSIG)");

  // The filter last: it forbids most of the above.
  require(VerifyNoNewNamespaces(sandbox));
  int listener = -1;
  if (layers & LAYER_SYSCALLS) require(InstallFilter(sandbox, &listener));
  if (listener >= 0) keep[keep_count++] = listener;

  errno = ReviveThreads();
  require(errno == 0 ? nullptr : "clone(CLONE_THREAD)");
  require(V8ThreadIdIsRight() ? nullptr : "verify: V8 takes the thread for another one");
  require(VerifyConfinement(sandbox, resources.id, proc_self, keep, keep_count, resources.cgroup_count > 0));

  // OpenSSL takes locks, so this needs all threads to be back.
  require(ReseedGenerators());

  ChildReport report = {};
  report.token = resources.token;
  int error;
  // Descriptors in flight are limited for each user (unix(7)); they land as others receive them.
  while ((error = SendMessage(resources.status, &report, sizeof report, &listener, listener >= 0 ? 1 : 0)) ==
         ETOOMANYREFS) {
    sleep_ms(1);
  }
  if (error) _exit(2);
  if (listener >= 0) close(listener);
  close(resources.status);
}

void BecomeScout(int report) {
  constexpr unsigned kMostSeconds = 10;
  // Which a preloaded module may handle.
  signal(SIGALRM, SIG_DFL);
  alarm(kMostSeconds);
  const bool done = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && RenewFds(&report, 1) == nullptr &&
                    ReviveThreads() == 0 && ReseedGenerators() == nullptr;
  if (!done) _exit(1);
}

}  // namespace nodespawner
