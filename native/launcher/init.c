#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "clone.h"
#include "fail.h"
#include "io_uring.h"
#include "layers.h"
#include "network.h"
#include "root.h"
#include "stubs.h"

enum { CONTROL_FD = 3, STUB_FD = 4, RING_FD = 5 };

static void on_child(int signal) { (void)signal; }

static _Noreturn void become_zygote(const struct launcher_options *options, int stub_socket, int ring) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("prctl(PR_SET_PDEATHSIG)", "");
  /* Out of each other's way first. */
  stub_socket = fcntl(stub_socket, F_DUPFD_CLOEXEC, RING_FD + 1);
  ring = fcntl(ring, F_DUPFD_CLOEXEC, RING_FD + 1);
  if (dup2(stub_socket, STUB_FD) < 0 || dup2(ring, RING_FD) < 0) fail("dup2", "");
  syscall(SYS_close_range, RING_FD + 1, ~0u, 0);
  refuse_io_uring();
  if (options->layers & LAYER_FILES) protect_program(options->command[0]);
  execv(options->command[0], options->command + 1);
  dprintf(STDERR_FILENO, "nodespawner-launcher: %s: %s\n", options->command[0], strerror(errno));
  _exit(EXIT_EXEC);
}

/* Reaps, makes stubs, and ends with the zygote, whose wait status it passes on. */
static _Noreturn void serve(pid_t zygote, int socket, int status_pipe) {
  sigset_t child, none;
  sigemptyset(&none);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  struct sigaction action = {.sa_handler = on_child};
  sigaction(SIGCHLD, &action, NULL);
  sigprocmask(SIG_BLOCK, &child, NULL);
  for (;;) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid == zygote) _exit(write(status_pipe, &status, sizeof status) != sizeof status);
      stub_has_ended(pid);
    }
    struct pollfd request = {socket, POLLIN, 0};
    if (ppoll(&request, 1, NULL, &none) <= 0) continue;
    struct stub_request wanted;
    const ssize_t size = recv(socket, &wanted, sizeof wanted, MSG_DONTWAIT);
    /* The zygote has closed its end, so it is dying; its status will be here. */
    if (size == 0) ppoll(NULL, 0, NULL, &none);
    if (size != sizeof wanted) continue;
    if (wanted.given_back) {
      take_stub_back(wanted.given_back);
    } else {
      offer_stub();
    }
  }
}

/* SECURITY: keys in the host's session keyring are there for all that it starts (session-keyring(7)). Where there are
 * no keys, or a filter refuses to speak of them, it refuses children as well. */
static void leave_session_keyring(void) {
  const long joined = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  if (joined < 0 && errno != ENOSYS && errno != EPERM) fail("keyctl", "see sysctl kernel.keys.maxkeys");
}

/* The outer process does what only the host's root can do, and answers with our address; or it is gone. */
static void set_up_network(const struct launcher_options *options, int outer) {
  uint32_t address;
  enter_router();
  if (write(outer, "", 1) != 1 || read(outer, &address, sizeof address) != sizeof address) _exit(EXIT_SETUP);
  start_router(options, address);
  close(outer);
}

void be_init(const struct launcher_options *options, const struct id_plan *ids, const struct init_pipes *pipes,
             pid_t outer) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("prctl(PR_SET_PDEATHSIG)", "");
  close(pipes->mapped[1]);
  close(pipes->status[0]);
  char byte;
  /* One byte: our ids are mapped. The end of the pipe: the outer process died before it could ask to take us along. */
  if (read(pipes->mapped[0], &byte, 1) != 1) _exit(EXIT_SETUP);
  if (options->layers & LAYER_USER) {
    if (ids->children_have_ids && setgroups(0, NULL) != 0) fail("setgroups", "");
    if (setresgid(0, 0, 0) != 0) fail("setresgid", "");
    if (setresuid(0, 0, 0) != 0) fail("setresuid", "");
    /* Cleared by the change of ids. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("prctl(PR_SET_PDEATHSIG)", "");
  }
  struct pollfd parent = {pipes->mapped[0], POLLIN, 0};
  if (poll(&parent, 1, 0) != 0) _exit(EXIT_SETUP);

  leave_session_keyring();
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) fail("socketpair", "");
  /* The zygote sees the host's files, since it has to load modules; children won't. */
  const pid_t zygote = clone_process(0, NULL, NULL);
  if (zygote < 0) fail("clone", "");
  if (zygote == 0) become_zygote(options, sockets[1], pipes->ring);
  close(sockets[1]);
  close(pipes->ring);
  close(CONTROL_FD);
  open_cgroup_parents(options, outer);
  if (options->link_addresses.count) {
    close(pipes->router[0]);
    set_up_network(options, pipes->router[1]);
  }
  if (options->layers & LAYER_FILES) make_root(options);
  hold_stubs(options, ids, sockets[0]);
  serve(zygote, sockets[0], pipes->status[1]);
}
