/* Init: PID 1 of the namespace of the zygote and all its children. */
#pragma once

#include "ids.h"
#include "options.h"

struct init_pipes {
  int mapped[2]; /* the outer process closes its end when the ids are mapped, and when it dies */
  int router[2]; /* a pair of sockets: init has entered the router's namespace; the answer is its address */
  int status[2]; /* the zygote's wait status, for the outer process */
  int ring;      /* for the zygote (io_uring.h) */
};

_Noreturn void be_init(const struct launcher_options *options, const struct id_plan *ids,
                       const struct init_pipes *pipes, pid_t outer);
