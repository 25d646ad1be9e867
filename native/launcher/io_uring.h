/* libuv batches epoll_ctl through an io_uring whose rings are shared memory, which a clone would share with all its
 * siblings. Without io_uring it makes the system calls. The zygote has one that can do nothing but pin memory. */
#pragma once

/* A ring that is disabled, so that nothing can be submitted to it (io_uring_setup(2)); where the kernel gives none, an
 * eventfd(2) from which one reads why, as an errno. What is pinned by it counts against the RLIMIT_MEMLOCK of the
 * caller's user, unless the caller has CAP_IPC_LOCK, which it has not in a user namespace. Close-on-exec. */
int open_pinning_ring(void);

/* For the calling process and all that come of it: io_uring_setup and its siblings end with ENOSYS, but for
 * io_uring_register(IORING_REGISTER_BUFFERS), which pins memory by a ring that is there. */
void refuse_io_uring(void);
