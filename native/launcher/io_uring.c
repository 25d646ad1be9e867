#include "io_uring.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fail.h"

enum { IO_URING_SETUP = 425, IO_URING_REGISTER = 427 }; /* the same on every architecture */
/* But for x32, which has this in all of its numbers. */
enum { X32_BIT = 0x40000000 };

int open_pinning_ring(void) {
  struct io_uring_params params = {.flags = IORING_SETUP_R_DISABLED};
  int ring = (int)syscall(IO_URING_SETUP, 1, &params);
  if (ring < 0) ring = eventfd((unsigned)errno, EFD_CLOEXEC | EFD_NONBLOCK);
  if (ring < 0) fail("eventfd", "");
  return ring;
}

void refuse_io_uring(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(unsigned)X32_BIT),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, IO_URING_SETUP, 0, 5),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, IO_URING_REGISTER, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IO_URING_REGISTER, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])), /* on both, the lower half */
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IORING_REGISTER_BUFFERS, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl(PR_SET_NO_NEW_PRIVS)", "");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    fail("prctl(PR_SET_SECCOMP)", "the kernel needs CONFIG_SECCOMP_FILTER");
  }
}
