#include "stub.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup_entrance.h"
#include "clone.h"
#include "layers.h"
#include "network.h"
#include "root.h"

struct report {
  int error;
  char step[36];
};

static _Noreturn void report_failure(int pipe, const char *step) {
  struct report report = {errno, ""};
  strncpy(report.step, step, sizeof report.step - 1);
  _exit(write(pipe, &report, sizeof report) == sizeof report);
}

/* Nothing that the child could turn against it: no capability, an id that no child has, no descriptor. */
static const char *disarm(const struct launcher_options *options, int id) {
  if (id >= 0) {
    const gid_t gid = (gid_t)id;
    if (setgroups(0, NULL) != 0) return "setgroups";
    if (setresgid(gid, gid, gid) != 0) return "setresgid";
    if (setresuid((uid_t)id, (uid_t)id, (uid_t)id) != 0) return "setresuid";
  }
  struct {
    uint32_t version;
    int pid;
  } header = {0x20080522, 0};
  struct {
    uint32_t effective, permitted, inheritable;
  } sets[2] = {{0, 0, 0}, {0, 0, 0}};
  /* SECURITY: whom a child of the same user may look at is decided by capabilities (ptrace(2)): it lacks this one,
   * which is good for nothing here, and which isn't in effect. */
  if (id < 0) sets[0].permitted = 1u << CAP_NET_BIND_SERVICE;
  if (options->layers & LAYER_CAPABILITIES && syscall(SYS_capset, &header, sets) != 0) return "capset";
  /* Which the change of ids has taken away; whoever enters its namespaces by pidfd must be allowed to look at it
   * (setns(2)), and the zygote has no rights over what is not dumpable, since this program was executed outside of its
   * namespace. */
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return "prctl(PR_SET_DUMPABLE)";
  return NULL;
}

static _Noreturn void be_stub(const struct launcher_options *options, const struct id_plan *ids,
                              const struct stub_place *place, int born_into, int pipe) {
  /* Orphans are reaped by the kernel. */
  signal(SIGCHLD, SIG_IGN);
  if (enter_groups(place->cgroup_fds, place->cgroup_count, born_into) != 0) report_failure(pipe, "write(cgroup)");
  if (place->network >= 0 && setns(place->network, CLONE_NEWNET) != 0) report_failure(pipe, "setns(CLONE_NEWNET)");
  /* Only now is the group that the child will be in the root of what it sees. */
  if (options->layers & LAYER_CGROUP && unshare(CLONE_NEWCGROUP) != 0) report_failure(pipe, "unshare(CLONE_NEWCGROUP)");
  const char *failed = NULL;
  if (options->link_addresses.count) failed = join_router(options, place->slot);
  if (failed) report_failure(pipe, failed);
  if (options->layers & LAYER_FILES) failed = mount_proc();
  if (failed) report_failure(pipe, failed);
  if (options->layers & LAYER_UTS && sethostname("child", 5) != 0) report_failure(pipe, "sethostname");
  failed = disarm(options, stub_id(options, ids));
  if (failed) report_failure(pipe, failed);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  syscall(SYS_close_range, 0, ~0u, 0); /* the pipe too: its end without a report says that all is well */
  for (;;) pause();
}

pid_t make_stub(const struct launcher_options *options, const struct id_plan *ids, const struct stub_place *place,
                int *pidfd, const char **failed) {
  const struct {
    unsigned layer;
    unsigned long flag;
  } namespaces[] = {
      {LAYER_IPC, CLONE_NEWIPC}, {LAYER_UTS, CLONE_NEWUTS}, {LAYER_NETWORK, CLONE_NEWNET}, {LAYER_FILES, CLONE_NEWNS}};
  unsigned long flags = CLONE_NEWPID;
  for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
    if (options->layers & namespaces[i].layer) flags |= namespaces[i].flag;
  }
  if (place->network >= 0) flags &= ~(unsigned long)CLONE_NEWNET;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    *failed = "pipe2";
    return -1;
  }
  name_next_link(place->slot);
  int group = birthplace(place->cgroup_fds, place->cgroup_count);
  const pid_t pid = clone_process_into(&group, flags | CLONE_PIDFD, pidfd, NULL);
  if (pid == 0) be_stub(options, ids, place, group, ends[1]);
  const int clone_error = errno;
  close(ends[1]);
  struct report report;
  ssize_t size = 0;
  if (pid > 0) {
    do {
      size = read(ends[0], &report, sizeof report);
    } while (size < 0 && errno == EINTR);
  }
  close(ends[0]);
  if (pid < 0) {
    *failed = "clone(stub)";
    errno = clone_error;
    return -1;
  }
  if (size == 0) return pid;
  static char step[sizeof report.step];
  memcpy(step, report.step, sizeof step);
  *failed = step;
  close(*pidfd);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  errno = report.error;
  return -1;
}
