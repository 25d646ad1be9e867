/* Starts a zygote: nodespawner-launcher HOST_PID -- PROGRAM ARGUMENTS...
 *
 * Three processes. The outer one, which the host started, makes the namespaces; the second is PID 1 in the PID namespace
 * of the zygote and all its children (init); the third becomes the zygote. If the host dies, however it dies, the kernel
 * kills the outer one (PR_SET_PDEATHSIG), then init, and with init everything in the namespace.
 *
 * Descriptors: 0-2 are the zygote's, 3 its control socket; init keeps a socket to the zygote, which finds its own end
 * at 4. Static and small, because init forks a stub for every child (stub_protocol.h). */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stub_protocol.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { CONTROL_FD = 3, STUB_FD = 4 };
enum { EXIT_SETUP = 125, EXIT_EXEC = 127 }; /* as env(1) and sh(1) use them */

static void fail(const char *call, const char *what) {
  dprintf(STDERR_FILENO, "nodespawner-launcher: %s: %s (errno %d)%s%s\n", call, strerror(errno), errno,
          *what ? "; " : "", what);
  _exit(EXIT_SETUP);
}

static pid_t raw_clone(unsigned long flags, int *pidfd) {
#if defined(__x86_64__)
  return (pid_t)syscall(SYS_clone, flags, NULL, pidfd, NULL, 0);
#else
  return (pid_t)syscall(SYS_clone, flags, NULL, pidfd, 0, NULL);
#endif
}

static void die_with_parent(void) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("prctl(PR_SET_PDEATHSIG)", "");
}

static void write_file(const char *path, const char *text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail(path, "the user namespace can't be given its ids");
  close(fd);
}

/* Without CAP_SYS_ADMIN a user namespace is what allows a PID namespace. Ids stay what they are. */
static void enter_user_namespace(void) {
  char map[64];
  const unsigned uid = getuid(), gid = getgid();
  if (unshare(CLONE_NEWUSER) != 0) {
    fail("unshare(CLONE_NEWUSER)",
         "run the host as root, or allow user namespaces: sysctl user.max_user_namespaces > 0, "
         "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in Docker: "
         "--cap-add=SYS_ADMIN or a seccomp profile that permits unshare");
  }
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1", uid, uid);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1", gid, gid);
  write_file("/proc/self/gid_map", map);
}

/* exec() of a program by a user other than root drops capabilities that are not in the ambient set. */
static void keep_sys_admin_across_exec(void) {
  struct {
    uint32_t version;
    int pid;
  } header = {0x20080522, 0};
  struct {
    uint32_t effective, permitted, inheritable;
  } sets[2];
  enum { SYS_ADMIN = 21, KILL = 5 };
  if (syscall(SYS_capget, &header, sets) != 0) fail("capget", "");
  sets[0].inheritable |= 1u << SYS_ADMIN | 1u << KILL;
  if (syscall(SYS_capset, &header, sets) != 0) fail("capset", "");
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, SYS_ADMIN, 0, 0) != 0 ||
      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, KILL, 0, 0) != 0) {
    fail("prctl(PR_CAP_AMBIENT_RAISE)", "");
  }
}

/* libuv batches epoll_ctl through an io_uring whose rings are shared memory, which a clone would share with all its
 * siblings. Without io_uring it makes the system calls. */
static void refuse_io_uring(void) {
  enum { IO_URING_SETUP = 425, IO_URING_REGISTER = 427 };
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, IO_URING_SETUP, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, IO_URING_REGISTER, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl(PR_SET_NO_NEW_PRIVS)", "");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    fail("prctl(PR_SET_SECCOMP)", "the kernel needs CONFIG_SECCOMP_FILTER");
  }
}

static void on_child(int signal) { (void)signal; }

/* PID 1 of one child's namespace. Orphans are reaped by the kernel, since SIGCHLD is ignored. */
static void be_stub(void) {
  signal(SIGCHLD, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  syscall(SYS_close_range, 0, ~0u, 0);
  for (;;) pause();
}

static void make_stub(int zygote_socket) {
  struct stub_message message = {STUB_READY, 0, 0};
  int pidfd = -1;
  const pid_t pid = raw_clone(CLONE_NEWPID | CLONE_PIDFD | SIGCHLD, &pidfd);
  if (pid == 0) be_stub();
  message.pid = pid;
  if (pid < 0) {
    message.kind = STUB_FAILED;
    message.error = errno;
  }
  struct iovec part = {&message, sizeof message};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
  if (pid > 0) {
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &pidfd, sizeof pidfd);
    envelope.msg_control = &control;
    envelope.msg_controllen = sizeof control;
  }
  if (sendmsg(zygote_socket, &envelope, MSG_NOSIGNAL) < 0) _exit(EXIT_SETUP); /* the zygote is gone */
  if (pidfd >= 0) close(pidfd);
}

/* PID 1 of the zygote's namespace: reaps, makes stubs, and ends with the zygote, whose wait status it passes on. */
static void be_init(pid_t zygote, int zygote_socket, int status_pipe) {
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
      if (pid == zygote) {
        if (write(status_pipe, &status, sizeof status) < 0) _exit(EXIT_SETUP);
        _exit(0);
      }
      const struct stub_message gone = {STUB_GONE, pid, 0};
      send(zygote_socket, &gone, sizeof gone, MSG_NOSIGNAL);
    }
    struct pollfd request = {zygote_socket, POLLIN, 0};
    if (ppoll(&request, 1, NULL, &none) > 0 && (request.revents & POLLIN)) {
      char bytes[64];
      const ssize_t count = recv(zygote_socket, bytes, sizeof bytes, MSG_DONTWAIT);
      for (ssize_t i = 0; i < count; i++) make_stub(zygote_socket);
    } else if (request.revents & (POLLHUP | POLLERR)) {
      /* The zygote's end is closed: it is dying, and its status will be here. */
      ppoll(NULL, 0, NULL, &none);
    }
  }
}

static void be_inner(char **command, int has_admin, const int *alive, int status_pipe) {
  die_with_parent();
  /* PR_SET_PDEATHSIG says nothing of a parent that had died before: then the pipe has lost its writer. */
  struct pollfd parent = {alive[0], POLLIN, 0};
  close(alive[1]);
  if (poll(&parent, 1, 0) != 0) _exit(EXIT_SETUP);

  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) fail("socketpair", "");
  const pid_t zygote = raw_clone(SIGCHLD, NULL);
  if (zygote < 0) fail("clone", "");
  if (zygote == 0) {
    die_with_parent();
    if (sockets[1] != STUB_FD) {
      if (dup2(sockets[1], STUB_FD) < 0) fail("dup2", "");
    } else {
      fcntl(STUB_FD, F_SETFD, 0);
    }
    syscall(SYS_close_range, STUB_FD + 1, ~0u, 0);
    if (!has_admin) keep_sys_admin_across_exec();
    refuse_io_uring();
    execv(command[0], command);
    dprintf(STDERR_FILENO, "nodespawner-launcher: %s: %s\n", command[0], strerror(errno));
    _exit(EXIT_EXEC);
  }
  close(sockets[1]);
  close(CONTROL_FD);
  be_init(zygote, sockets[0], status_pipe);
}

static int has_capability_sys_admin(void) {
  struct {
    uint32_t version;
    int pid;
  } header = {0x20080522, 0};
  struct {
    uint32_t effective, permitted, inheritable;
  } sets[2];
  return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective >> 21 & 1);
}

int main(int argc, char **argv) {
  if (argc < 4 || strcmp(argv[2], "--") != 0) {
    dprintf(STDERR_FILENO, "usage: nodespawner-launcher HOST_PID -- PROGRAM [ARGUMENT...]\n");
    return EXIT_SETUP;
  }
  die_with_parent();
  if (getppid() != atoi(argv[1])) return EXIT_SETUP; /* the host died before we could ask to die with it */

  const int has_admin = has_capability_sys_admin();
  if (!has_admin) enter_user_namespace();

  int alive[2], status_pipe[2];
  if (pipe2(alive, O_CLOEXEC) != 0 || pipe2(status_pipe, O_CLOEXEC) != 0) fail("pipe2", "");
  const pid_t init = raw_clone(CLONE_NEWPID | SIGCHLD, NULL);
  if (init < 0) {
    fail("clone(CLONE_NEWPID)",
         "in Docker: --cap-add=SYS_ADMIN, or allow user namespaces; sysctl user.max_pid_namespaces > 0");
  }
  if (init == 0) {
    close(status_pipe[0]);
    be_inner(argv + 3, has_admin, alive, status_pipe[1]);
  }
  close(status_pipe[1]);
  close(CONTROL_FD);
  int status = 0, ignored;
  while (waitpid(init, &ignored, 0) < 0 && errno == EINTR) {
  }
  if (read(status_pipe[0], &status, sizeof status) != sizeof status) return EXIT_SETUP; /* init was killed */
  if (WIFSIGNALED(status)) {
    /* End as the zygote ended, without a core file of our own. */
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  return WEXITSTATUS(status);
}
