/* libuv batches epoll_ctl through an io_uring whose rings are shared memory, which a clone would share with all its
 * siblings. Without io_uring it makes the system calls. The zygote has one that can do nothing but pin memory. */
#pragma once

/* A ring that is disabled, so that nothing can be submitted to it, behind the given descriptor, which is the lowest free
 * one; /dev/null where the kernel gives none (io_uring_setup(2)). execve(2) leaves it open. */
void open_pinning_ring(int fd);

/* For the calling process and all that come of it: no io_uring can be made or entered. io_uring_setup and
 * io_uring_enter end with ENOSYS; io_uring_register only does something to a ring that is there. */
void refuse_io_uring(void);
