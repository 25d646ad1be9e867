/* Starts a zygote: nodespawner-launcher --host=PID [--OPTION...] -- PROGRAM ARGV0 [ARGUMENT...]
 *
 * Three processes. The outer one, which the host started, makes the namespaces and waits; the second is PID 1 in the
 * PID namespace of the zygote and all its children (init.c); the third becomes the zygote. When the host dies, however
 * it dies, the kernel tells the outer one (PR_SET_PDEATHSIG), which kills init, and with init everything in the
 * namespace, and removes the control groups. When the outer one is killed, the kernel kills init.
 *
 * Descriptors: 0-2 are the zygote's, 3 its control socket; init keeps a socket to the zygote, which finds its own end
 * at 4, and at 5 what it pins memory with (io_uring.h). Static and small, because init forks a stub for every child. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "clone.h"
#include "fail.h"
#include "ids.h"
#include "init.h"
#include "io_uring.h"
#include "layers.h"
#include "network.h"
#include "options.h"

enum { CONTROL_FD = 3 };

/* Either kind of news: the host is gone, or init is. */
static void wait_for_news(pid_t init) {
  sigset_t news;
  sigemptyset(&news);
  sigaddset(&news, SIGTERM);
  sigaddset(&news, SIGCHLD);
  for (;;) {
    int signal = 0;
    if (sigwait(&news, &signal) != 0) continue;
    if (signal == SIGTERM) kill(init, SIGKILL);
    if (waitpid(init, NULL, signal == SIGTERM ? 0 : WNOHANG) == init) return;
  }
}

static int end_as(int status) {
  if (WIFSIGNALED(status)) {
    /* As the zygote ended, without a core file of our own. */
    const struct rlimit no_core = {0, 0};
    sigset_t none;
    setrlimit(RLIMIT_CORE, &no_core);
    signal(WTERMSIG(status), SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    raise(WTERMSIG(status));
  }
  return WEXITSTATUS(status);
}

static void give_network(const struct launcher_options *options, pid_t init, int to_init) {
  char byte;
  if (read(to_init, &byte, 1) != 1) return; /* init has ended, and has said why */
  struct network_failure failure;
  const uint32_t address = attach_router(options, init, &failure);
  if (!address) {
    const int error = errno;
    kill(init, SIGKILL);
    waitpid(init, NULL, 0);
    remove_cgroup_parents(options);
    errno = error;
    fail(failure.step, failure.hint);
  }
  send(to_init, &address, sizeof address, MSG_NOSIGNAL); /* if it is gone, that will be news */
  close(to_init);
}

/* SECURITY: signals that wait in a user namespace count for the user who has made it, too, who can't queue any where
 * theirs are too many. The kernel takes the limit of the namespace from its maker (getrlimit(2), RLIMIT_SIGPENDING). */
static void share_signal_queue(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_SIGPENDING, &limit) != 0) fail("getrlimit", "");
  if (limit.rlim_cur == RLIM_INFINITY) return;
  limit.rlim_cur /= 2;
  if (setrlimit(RLIMIT_SIGPENDING, &limit) != 0) fail("setrlimit(RLIMIT_SIGPENDING)", "");
}

static const char NAMESPACE_HINT[] =
    "run the host as root, or allow user namespaces: sysctl user.max_user_namespaces and user.max_pid_namespaces above "
    "0, "
    "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in Docker: "
    "--cap-add=SYS_ADMIN, or a seccomp profile that permits clone and unshare of namespaces";

int main(int argc, char **argv) {
  (void)argc;
  const struct launcher_options options = parse_options(argv);
  sigset_t news;
  sigemptyset(&news);
  sigaddset(&news, SIGTERM);
  sigaddset(&news, SIGCHLD);
  sigprocmask(SIG_BLOCK, &news, NULL);
  if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0) fail("prctl(PR_SET_PDEATHSIG)", "");
  if (getppid() != options.host) return EXIT_SETUP; /* it died before we could ask to be told */

  const struct id_plan ids = plan_ids(&options);
  make_cgroup_parents(&options);
  struct init_pipes pipes;
  if (pipe2(pipes.mapped, O_CLOEXEC) != 0 || pipe2(pipes.status, O_CLOEXEC) != 0) fail("pipe2", "");
  if (options.link_addresses.count && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pipes.router) != 0) {
    fail("socketpair", "");
  }
  pipes.ring = open_pinning_ring();
  if (options.layers & LAYER_USER) share_signal_queue();
  const unsigned long user = options.layers & LAYER_USER ? CLONE_NEWUSER : 0;
  const pid_t outer = getpid();
  const pid_t init = clone_process(CLONE_NEWPID | user, NULL, NULL);
  if (init < 0) {
    const int error = errno;
    remove_cgroup_parents(&options);
    errno = error;
    fail(user ? "clone(CLONE_NEWUSER|CLONE_NEWPID)" : "clone(CLONE_NEWPID)", NAMESPACE_HINT);
  }
  if (init == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    be_init(&options, &ids, &pipes, outer);
  }
  close(pipes.mapped[0]);
  close(pipes.status[1]);
  close(CONTROL_FD);
  close(pipes.ring);
  if (user) write_id_maps(init, &ids);
  if (write(pipes.mapped[1], "", 1) != 1) fail("write", "");
  if (options.link_addresses.count) {
    close(pipes.router[1]);
    give_network(&options, init, pipes.router[0]);
  }

  int status = 0;
  wait_for_news(init);
  detach_router();
  remove_cgroup_parents(&options);
  const ssize_t got = read(pipes.status[0], &status, sizeof status);
  return got == sizeof status ? end_as(status) : EXIT_SETUP; /* else init was killed */
}
