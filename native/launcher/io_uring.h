/* libuv batches epoll_ctl through an io_uring whose rings are shared memory, which a clone would share with all its
 * siblings. Without io_uring it makes the system calls. */
#pragma once

/* For the calling process and all that come of it: io_uring_setup and its siblings end with ENOSYS. */
void refuse_io_uring(void);
