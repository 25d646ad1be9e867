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
#include "networks.h"
#include "root.h"
#include "stub.h"

enum { CONTROL_FD = 3, STUB_FD = 4, RING_FD = 5 };

/* What each live child has. Its slot is its id. */
static struct {
  pid_t stub; /* 0: the slot is free */
  int network;
  int cgroups;
} slots[CHILDREN_PER_ZYGOTE];
static int next_slot;

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

/* How long descriptors may be in the way of others, in milliseconds. */
enum { IN_FLIGHT_MS = 5000 };

/* Descriptors in flight are limited for each user of the machine, all zygotes of one host together (unix(7)). They land
 * as others receive them, so we wait. False if none did. A zygote that is gone needs no message: it is reaped next. */
static int send_to_zygote(int socket, const struct stub_message *message, const int *fds, int fd_count) {
  struct iovec part = {(void *)message, sizeof *message};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * (1 + STUB_MAX_CGROUPS))];
  } control;
  struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count) {
    const size_t size = sizeof(int) * (size_t)fd_count;
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.header), fds, size);
    envelope.msg_control = &control;
    envelope.msg_controllen = CMSG_SPACE(size);
  }
  for (int waited = 0; sendmsg(socket, &envelope, MSG_NOSIGNAL) < 0; waited++) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) return 1;
    if (errno != ETOOMANYREFS) fail("sendmsg(stub)", "");
    if (waited >= IN_FLIGHT_MS) return 0;
    struct pollfd zygote = {socket, 0, 0};
    if (poll(&zygote, 1, 1) > 0) return 1;
  }
  return 1;
}

/* A slot that has rested longest, so that an id is not given to the next child at once. */
static int free_slot(void) {
  for (int tried = 0; tried < CHILDREN_PER_ZYGOTE; tried++) {
    const int slot = next_slot;
    next_slot = (next_slot + 1) % CHILDREN_PER_ZYGOTE;
    if (!slots[slot].stub) return slot;
  }
  errno = EAGAIN;
  return -1;
}

static void offer_stub(const struct launcher_options *options, const struct id_plan *ids, int socket) {
  struct stub_message message = {.kind = STUB_FAILED};
  const char *failed = "more than 255 children of one zygote";
  int fds[1 + STUB_MAX_CGROUPS], cgroup_count = 0;
  pid_t pid = -1;
  int network = -1, cgroups = -1;
  const int slot = free_slot();
  if (slot >= 0) {
    for (int i = 0; i < STUB_MAX_CGROUPS; i++) fds[1 + i] = -1;
    cgroup_count = enter_cgroups(options, &cgroups, fds + 1);
    failed = "mkdir(cgroup)";
    if (cgroup_count >= 0) {
      const struct stub_place place = {slot, fds + 1, (size_t)cgroup_count, take_network()};
      pid = make_stub(options, ids, &place, fds, &failed);
      network = place.network;
    }
  }
  int error = errno;
  if (pid < 0) {
    give_network_back(network);
    if (cgroups >= 0) leave_cgroups(cgroups);
  }
  if (pid > 0) {
    slots[slot].stub = pid;
    slots[slot].network = network >= 0 ? network : open_network(options, pid);
    slots[slot].cgroups = cgroups;
    message.kind = STUB_READY;
    message.pid = pid;
    message.uid = child_id(options, ids, slot);
    if (!send_to_zygote(socket, &message, fds, 1 + cgroup_count)) {
      message = (struct stub_message){.kind = STUB_FAILED};
      failed = "sendmsg(stub)";
      error = ETOOMANYREFS;
      kill(pid, SIGKILL); /* it is reaped like any other */
    }
    close(fds[0]);
  }
  if (message.kind == STUB_FAILED) {
    message.error = error;
    strncpy(message.step, failed, sizeof message.step - 1);
    send_to_zygote(socket, &message, NULL, 0);
  }
  if (slot < 0) return;
  for (int i = 0; i < STUB_MAX_CGROUPS; i++) {
    if (fds[1 + i] >= 0) close(fds[1 + i]);
  }
}

static void report_gone(const struct launcher_options *options, pid_t pid, int socket) {
  struct stub_message message = {.kind = STUB_GONE, .pid = pid};
  for (int slot = 0; slot < CHILDREN_PER_ZYGOTE; slot++) {
    if (slots[slot].stub != pid) continue;
    slots[slot].stub = 0;
    give_network_back(slots[slot].network);
    if (options->link_addresses.count) cut_link(slot);
    const struct cgroup_events events = leave_cgroups(slots[slot].cgroups);
    message.oom_kills = events.oom_kills;
    message.task_fails = events.task_fails;
  }
  send_to_zygote(socket, &message, NULL, 0);
}

/* Reaps, makes stubs, and ends with the zygote, whose wait status it passes on. */
static _Noreturn void serve(const struct launcher_options *options, const struct id_plan *ids, pid_t zygote, int socket,
                            int status_pipe) {
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
      report_gone(options, pid, socket);
    }
    struct pollfd request = {socket, POLLIN, 0};
    if (ppoll(&request, 1, NULL, &none) <= 0) continue;
    char bytes[64];
    const ssize_t count = recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
    for (ssize_t i = 0; i < count; i++) offer_stub(options, ids, socket);
    /* The zygote has closed its end, so it is dying; its status will be here. */
    if (count == 0) ppoll(NULL, 0, NULL, &none);
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
  serve(options, ids, zygote, sockets[0], pipes->status[1]);
}
