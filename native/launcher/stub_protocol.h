/* Messages between the zygote and its init process (init.c) over a socket of type SOCK_SEQPACKET.
 *
 * A stub is the init process (PID 1) of a child's PID namespace, and the first in all other namespaces that the child
 * then enters. It does nothing but wait: when it is killed, the kernel kills everything in its namespace. The zygote
 * asks for stubs ahead of demand, and gives back those whose child has left nothing (stubs.h). */
#pragma once

#include <stdint.h>

enum stub_message_kind {
  STUB_READY = 1,  /* with descriptors: the stub's pidfd, then what each of the child's cgroups is entered by */
  STUB_GONE = 2,   /* the stub has been reaped, so its namespace is empty; or it has been given back */
  STUB_FAILED = 3, /* no stub could be made */
};

enum { STUB_MAX_CGROUPS = 3 };

/* From the zygote. */
struct stub_request {
  int32_t given_back; /* the stub's pid; 0: one is wanted */
};

struct stub_message {
  uint32_t kind;
  int32_t pid;
  int32_t error; /* STUB_FAILED: errno of `step` */
  int32_t uid;   /* STUB_READY: the child's user and group id, in the user namespace of the zygote; -1: unchanged */
  uint32_t oom_kills;  /* STUB_GONE: processes of the child that the kernel killed for want of memory */
  uint32_t task_fails; /* STUB_GONE: forks that the limit on tasks refused */
  char step[40];
};
